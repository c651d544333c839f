#pragma once

// Definitions of step.h's templates, after Node's operator is complete.

namespace octet {

std::string_view op_name_of(const Node& node);

Result<std::unique_ptr<Step>> prepare_by(const LowerContext& context, StepFunction run);

template <auto Run>
Result<std::unique_ptr<Step>> prepare_function(const LowerContext& context) {
  return prepare_by(context, Run);
}

template <auto Run>
constexpr Implementation reference(std::string_view name) {
  return {.name = name, .provider = "native", .match = nullptr, .prepare = &prepare_function<Run>};
}

}  // namespace octet
