#include "engine/ops/evaluate.h"

#include "engine/ir/aligned.h"
#include "engine/ir/stop.h"

namespace octet {
namespace {

bool is_half(DType type) { return type == DType::f16 || type == DType::bf16; }

// The node alone in a graph of its own, with known inputs, so that `infer` sees all elements.
struct Isolated {
  Graph graph;
  NodeId id = kNoNode;
};

Isolated isolate(const Node& node, const std::vector<Tensor>& inputs) {
  Isolated alone;
  Node copy;
  copy.op = node.op;
  copy.opset = node.opset;
  copy.name = node.name;
  copy.attrs = node.attrs;
  for (size_t i = 0; i < node.inputs.size(); ++i)
    copy.inputs.push_back(node.has_input(i)
                              ? alone.graph.add_constant("i" + std::to_string(i), inputs[i])
                              : kNoValue);
  for (size_t i = 0; i < node.outputs.size(); ++i)
    copy.outputs.push_back(node.has_output(i) ? alone.graph.add_value("o" + std::to_string(i))
                                              : kNoValue);
  alone.id = alone.graph.add_node(std::move(copy));
  return alone;
}

class EvaluateContext final : public RunContext {
 public:
  EvaluateContext(const Node& node, size_t max_bytes)
      : RunContext(CpuToken::scalar()), max_bytes_(max_bytes) {
    node_ = &node;
    parallel_ = &stoppable_;
  }
  void add_input(const Tensor& tensor) {
    TensorView view;
    view.dtype = tensor.dtype();
    view.dims = tensor.dims();
    view.data = const_cast<std::byte*>(tensor.bytes().data());
    inputs_.push_back(std::move(view));
  }
  void add_absent_input() { inputs_.emplace_back(); }
  Status add_output(bool wanted, DType dtype, const std::optional<Shape>& shape) {
    outputs_.emplace_back();
    outputs_.back().dtype = dtype;
    wanted_.push_back(wanted);
    tensors_.emplace_back();
    if (wanted && shape && all_known(*shape))
      return allocate(outputs_.size() - 1, known_dims(*shape));
    return {};
  }
  Status allocate(size_t i, Dims dims) override {
    const auto count = checked_count(dims);
    if (!count || dtype_bytes(outputs_[i].dtype, static_cast<size_t>(*count)) > max_bytes_)
      return Error{ErrorCode::limit, "the result is larger than the limit for folding"};
    OCTET_ASSIGN(tensors_[i], Tensor::zeros(outputs_[i].dtype, dims));
    outputs_[i].dims = std::move(dims);
    outputs_[i].data = tensors_[i].writable();
    return {};
  }
  bool stopped() const override { return stop_requested(); }
  void size_scratch(const Step& step) {
    scratch_memory_.resize(step.scratch_bytes(inputs_, outputs_, 1));
    scratch_ = scratch_memory_;
  }
  std::vector<Tensor> take() { return std::move(tensors_); }

 private:
  SerialParallel serial_;
  const StopScope* stop_ = StopScope::current();
  StoppableParallel stoppable_{serial_, stop_};
  size_t max_bytes_;
  std::vector<Tensor> tensors_;
  AlignedBytes scratch_memory_;
};

}  // namespace

Result<Tensor> convert_float(const Tensor& tensor, DType dtype) {
  const auto values = tensor.to_float();
  OCTET_ASSIGN(Tensor out, Tensor::zeros(dtype, tensor.dims()));
  const bool known =
      visit_dtype(dtype, TypeList<float, double, Half, Bfloat16>{}, [&]<typename T>() {
        for (size_t i = 0; i < values.size(); ++i)
          out.writable_as<T>()[i] = from_float<T>(values[i]);
      });
  if (!known) return unsupported("conversion to {}", dtype_name(dtype));
  return out;
}

Result<std::vector<Tensor>> evaluate(const Graph& /*graph*/, const Node& node,
                                     const std::vector<Tensor>& inputs, size_t max_bytes) {
  if (node.op->implementations.empty()) return unsupported("{} has no kernel", node.label());
  Isolated alone = isolate(node, inputs);
  OCTET_RETURN_IF_ERROR(infer_node(alone.graph, alone.id));
  const Node& single = alone.graph.node(alone.id);
  for (const auto& ports : {single.inputs, single.outputs})
    for (const ValueId id : ports)
      if (id != kNoValue && alone.graph.value(id).type.boxed())
        return unsupported("{}: strings and sequences are only run", node.label());

  const LowerContext lower(alone.graph, single, CpuToken::scalar(), {});
  OCTET_ASSIGN(const auto step, node.op->implementations.back().prepare(lower));
  EvaluateContext context(single, max_bytes);
  std::vector<Tensor> widened(inputs.size());
  for (size_t i = 0; i < single.inputs.size(); ++i) {
    if (!single.has_input(i)) {
      context.add_absent_input();
      continue;
    }
    widened[i] = inputs[i];
    if (is_half(inputs[i].dtype())) {
      OCTET_ASSIGN(widened[i], convert_float(inputs[i], DType::f32));
    }
    context.add_input(widened[i]);
  }
  for (size_t i = 0; i < single.outputs.size(); ++i) {
    const bool wanted = single.has_output(i);
    const Type type = wanted ? alone.graph.value(single.outputs[i]).type : Type{};
    const DType dtype = is_half(type.dtype) ? DType::f32 : type.dtype;
    OCTET_RETURN_IF_ERROR(context.add_output(wanted, dtype, type.shape));
  }
  context.size_scratch(*step);
  if (auto status = step->run(context); !status) return std::move(status).error().in(node.label());
  auto outputs = context.take();
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!single.has_output(i)) continue;
    const DType dtype = alone.graph.value(single.outputs[i]).type.dtype;
    if (!is_half(dtype)) continue;
    OCTET_ASSIGN(outputs[i], convert_float(outputs[i], dtype));
  }
  return outputs;
}

Result<std::vector<Tensor>> evaluate(const Graph& graph, const Node& node, size_t max_bytes) {
  std::vector<Tensor> inputs(node.inputs.size());
  for (size_t i = 0; i < node.inputs.size(); ++i)
    if (node.has_input(i)) inputs[i] = *graph.value(node.inputs[i]).constant;
  return evaluate(graph, node, inputs, max_bytes);
}

}  // namespace octet
