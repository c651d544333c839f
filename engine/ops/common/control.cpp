#include "engine/ops/common/control.h"

#include <cstring>

namespace octet::ops {
namespace {

// What the elements of a sequence or an optional have in common: a shape, or none.
bool widen_element(Type& wide, const Type& next) {
  if (!next.element || (wide.element && wide.element->to_string() == next.element->to_string()))
    return false;
  if (!wide.element) {
    wide.element = next.element;
    return true;
  }
  Type common = *wide.element;
  if (common.kind == Type::Kind::tensor && !common.shape) return false;
  if (common.kind != Type::Kind::tensor && !widen_element(common, *next.element)) return false;
  common.shape.reset();
  wide.element = std::make_shared<const Type>(std::move(common));
  return true;
}

// As cover, but an extent of `wide` that is marked as open stays.
bool widen(Type& wide, const Type& next, std::vector<bool>& open) {
  if (wide.kind != next.kind) return false;
  if (wide.kind != Type::Kind::tensor) return widen_element(wide, next);
  if (!wide.shape || wide.shape == next.shape) return false;
  if (!next.shape || next.shape->size() != wide.shape->size()) {
    wide.shape.reset();
    return true;
  }
  bool changed = false;
  open.resize(wide.shape->size(), false);
  for (size_t a = 0; a < wide.shape->size(); ++a) {
    if (open[a] || (*wide.shape)[a] == (*next.shape)[a]) continue;
    (*wide.shape)[a] = Dim::fresh();
    open[a] = true;
    changed = true;
  }
  return changed;
}

}  // namespace

Tensor borrow(const TensorView& view) {
  if (view.boxed != nullptr) return *view.boxed;
  return {view.dtype, view.dims, view.bytes(), nullptr};
}

Tensor own(const TensorView& view) {
  if (view.boxed != nullptr) return *view.boxed;
  return Tensor::copy(view.dtype, view.dims, view.bytes());
}

std::vector<Tensor> borrow_inputs(const RunContext& context, size_t first) {
  std::vector<Tensor> tensors;
  for (size_t i = first; i < context.input_count(); ++i)
    tensors.push_back(borrow(context.input(i)));
  return tensors;
}

Status copy_to_output(RunContext& context, size_t i, const Tensor& tensor) {
  if (!context.has_output(i)) return {};
  if (tensor.is_list()) return context.set_boxed(i, tensor);
  if (context.output(i).dtype != tensor.dtype())
    return invalid_model("output {} of the subgraph is {}, not {}", i, dtype_name(tensor.dtype()),
                         dtype_name(context.output(i).dtype));
  if (tensor.boxed()) return context.set_boxed(i, tensor);
  OCTET_RETURN_IF_ERROR(context.allocate(i, tensor.dims()));
  if (!tensor.bytes().empty())
    std::memcpy(context.output(i).data, tensor.bytes().data(), tensor.bytes().size());
  return {};
}

std::optional<Ports> match_logical(const LowerContext& context) {
  Ports ports;
  const auto form = [](const Value& value) {
    return PortForm{value.quant ? PortForm::Storage::real : PortForm::Storage::stored,
                    Layout::row_major};
  };
  for (size_t i = 0; i < context.node().inputs.size(); ++i)
    ports.inputs.push_back(context.has_input(i) ? form(context.input(i)) : PortForm{});
  for (size_t i = 0; i < context.node().outputs.size(); ++i)
    ports.outputs.push_back(context.has_output(i) ? form(context.output(i)) : PortForm{});
  return ports;
}

Result<Type> cover(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.dtype != b.dtype)
    return invalid_model("subgraphs give {} and {}", a.to_string(), b.to_string());
  Type both = a;
  std::vector<bool> open;
  widen(both, b, open);
  return both;
}

Result<std::vector<Type>> infer_iterated(InferContext& context, std::vector<Type>& formals,
                                         size_t first, size_t states, size_t first_output) {
  std::vector<std::vector<bool>> open(states);
  while (true) {
    OCTET_ASSIGN(auto outputs, context.infer_body(0, formals));
    if (outputs.size() < first_output + states)
      return invalid_model("the subgraph gives fewer outputs than it has state");
    bool changed = false;
    for (size_t i = 0; i < states; ++i) {
      Type& state = formals[first + i];
      const Type& next = outputs[first_output + i];
      if (state.dtype != DType::undefined && next.dtype != DType::undefined &&
          state.dtype != next.dtype)
        return invalid_model("state {} changes from {} to {}", i, state.to_string(),
                             next.to_string());
      changed = widen(state, next, open[i]) || changed;
    }
    if (!changed) return outputs;
  }
}

}  // namespace octet::ops
