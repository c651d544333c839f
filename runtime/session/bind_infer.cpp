#include "runtime/session/bind_infer.h"

#include "engine/ops/op.h"

namespace octet::runtime {
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
  const Tensor* constant(size_t i) const override { return constants_[i]; }
  const std::vector<Dim>* elements(size_t i) const override {
    return elements_[i] ? &*elements_[i] : nullptr;
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
  if (auto status = node.op->infer(context); !status) {
    Error error = std::move(status).error();
    error.code = ErrorCode::invalid_data;
    return error;
  }
  return context.take();
}

}  // namespace octet::runtime
