#pragma once

// Definitions of step.h's templates, after Node's operator is complete.

namespace octet {

std::string_view op_name_of(const Node& node);

template <auto Run>
Result<std::unique_ptr<Step>> prepare_function(const LowerContext& context) {
  StepInfo info{std::string(op_name_of(context.node())), "native", Isa::scalar};
  return std::unique_ptr<Step>(
      std::make_unique<detail::FunctionStep<Run>>(context.node().attrs, std::move(info)));
}

template <auto Run>
constexpr Implementation reference(std::string_view name) {
  return {.name = name, .provider = "native", .match = nullptr, .prepare = &prepare_function<Run>};
}

}  // namespace octet
