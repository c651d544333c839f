#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/ops/infer.h"
#include "runtime/session/plan.h"

namespace octet::runtime {

/// Inference with known dims over arrays beside the shared, immutable graph, which has the types
/// and elements of constants. The arrays are by the first value of a group (Plan::same_type);
/// `node`'s outputs are first ones.
class BindInfer final : public InferContext {
 public:
  BindInfer(const Plan& plan, const Node& node, std::vector<Type>& types,
            std::vector<std::optional<std::vector<Dim>>>& elements)
      : InferContext(node), plan_(plan), types_(types), elements_(elements) {}

  const Type& input(size_t i) const override {
    const Value& value = plan_.graph->value(node_.inputs[i]);
    return value.constant ? value.type : types_[plan_.same_type[node_.inputs[i]]];
  }
  const Tensor* constant(size_t i) const override {
    const Value& value = plan_.graph->value(node_.inputs[i]);
    return value.constant && !value.quant ? &*value.constant : nullptr;
  }
  const std::vector<Dim>* elements(size_t i) const override {
    const Value& value = plan_.graph->value(node_.inputs[i]);
    const auto& known =
        value.constant ? value.elements : elements_[plan_.same_type[node_.inputs[i]]];
    return known ? &*known : nullptr;
  }
  void set_output(size_t i, Type type) override {
    if (has_output(i)) types_[node_.outputs[i]] = std::move(type);
  }
  void set_elements(size_t i, std::vector<Dim> elements) override {
    constexpr size_t kMaxElements = 1024;
    if (has_output(i) && elements.size() <= kMaxElements)
      elements_[node_.outputs[i]] = std::move(elements);
  }
  Result<std::vector<Type>> infer_body(size_t, std::vector<Type>) override {
    return unsupported("subgraphs run late");
  }

 private:
  const Plan& plan_;
  std::vector<Type>& types_;
  std::vector<std::optional<std::vector<Dim>>>& elements_;
};

/// Inference for one node over views, for late steps: `types` and `elements` are by input port.
/// Gives the output types.
Result<std::vector<Type>> infer_late(const Node& node, std::vector<Type> types,
                                     std::vector<std::optional<std::vector<Dim>>> elements,
                                     std::span<const Tensor* const> constants);

}  // namespace octet::runtime
