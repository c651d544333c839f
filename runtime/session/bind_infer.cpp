#include "runtime/session/bind_infer.h"

#include "engine/ops/op.h"

namespace octet::runtime {

class BoundTypes::Context final : public InferContext {
 public:
  Context(const BoundTypes& types, const Node& node)
      : InferContext(node), types_(types), made_(node.outputs.size()) {}

  const Type& input(size_t i) const override {
    const Value& value = types_.graph_.value(node_.inputs[i]);
    return value.constant ? value.type : known(i).type;
  }
  const Tensor* constant(size_t i) const override {
    if (!has_input(i)) return nullptr;
    const Value& value = types_.graph_.value(node_.inputs[i]);
    return value.constant && !value.quant ? &*value.constant : nullptr;
  }
  const std::vector<Dim>* elements(size_t i) const override {
    if (!has_input(i)) return nullptr;
    const Value& value = types_.graph_.value(node_.inputs[i]);
    const auto& elements = value.constant ? value.elements : known(i).elements;
    return elements ? &*elements : nullptr;
  }
  void set_output(size_t i, Type type) override {
    if (has_output(i)) made_[i].type = std::move(type);
  }
  void set_elements(size_t i, std::vector<Dim> elements) override {
    constexpr size_t kMaxElements = 1024;
    if (has_output(i) && elements.size() <= kMaxElements) made_[i].elements = std::move(elements);
  }
  Result<std::vector<Type>> infer_body(size_t, std::vector<Type>) override {
    return unsupported("subgraphs run late");
  }
  Known& made(size_t i) { return made_[i]; }

 private:
  const Known& known(size_t i) const { return types_.known_[types_.groups_.of[node_.inputs[i]]]; }

  const BoundTypes& types_;
  std::vector<Known> made_;
};

void BoundTypes::set_input(ValueId id, const Dims& dims) {
  settle(id, {Type::tensor(graph_.value(id).type.dtype, to_shape(dims)), std::nullopt});
}

Status BoundTypes::infer(NodeId id, bool late) {
  const Node& node = graph_.node(id);
  Context context(*this, node);
  late = late || node.op->infer == nullptr;
  if (!late) {
    if (auto status = infer_outputs(context); !status) {
      Error error = std::move(status).error();
      error.code = ErrorCode::invalid_data;
      return std::move(error).in(node.label());
    }
    for (size_t i = 0; i < node.outputs.size(); ++i)
      late = late || (node.has_output(i) && (graph_.value(node.outputs[i]).type.boxed() ||
                                             !context.made(i).type.has_known_shape()));
  }
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (node.has_output(i)) settle(node.outputs[i], late ? Known{} : std::move(context.made(i)));
  return {};
}

void BoundTypes::settle(ValueId id, Known known) {
  Known& group = known_[groups_.of[id]];
  if (group.settled) {
    agree_ = agree_ && group.type.shape == known.type.shape && group.elements == known.elements;
    return;
  }
  group = std::move(known);
  group.settled = true;
  const bool has_dims = group.type.has_known_shape() && !graph_.value(id).type.boxed();
  has_dims_[groups_.of[id]] = has_dims;
  any_late_ = any_late_ || !has_dims;
}

namespace {

class LateInfer final : public InferContext {
 public:
  LateInfer(const Node& node, std::vector<Type> types,
            std::vector<std::optional<std::vector<Dim>>> elements,
            std::span<const Tensor* const> constants)
      : InferContext(node),
        types_(std::move(types)),
        elements_(std::move(elements)),
        constants_(constants),
        outputs_(node.outputs.size()) {}

  const Type& input(size_t i) const override { return types_[i]; }
  const Tensor* constant(size_t i) const override { return has_input(i) ? constants_[i] : nullptr; }
  const std::vector<Dim>* elements(size_t i) const override {
    return has_input(i) && elements_[i] ? &*elements_[i] : nullptr;
  }
  void set_output(size_t i, Type type) override { outputs_[i] = std::move(type); }
  void set_elements(size_t, std::vector<Dim>) override {}
  Result<std::vector<Type>> infer_body(size_t, std::vector<Type>) override {
    return std::vector<Type>();
  }
  std::vector<Type> take() { return std::move(outputs_); }

 private:
  std::vector<Type> types_;
  std::vector<std::optional<std::vector<Dim>>> elements_;
  std::span<const Tensor* const> constants_;
  std::vector<Type> outputs_;
};

}  // namespace

Result<std::vector<Type>> infer_late(const Node& node, std::vector<Type> types,
                                     std::vector<std::optional<std::vector<Dim>>> elements,
                                     std::span<const Tensor* const> constants) {
  if (node.op->infer == nullptr || !node.bodies.empty())
    return std::vector<Type>(node.outputs.size());
  LateInfer context(node, std::move(types), std::move(elements), constants);
  if (auto status = infer_outputs(context); !status) {
    Error error = std::move(status).error();
    error.code = ErrorCode::invalid_data;
    return error;
  }
  return context.take();
}

}  // namespace octet::runtime
