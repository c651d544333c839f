#include "runtime/xnnpack/finish.h"

namespace octet::runtime::xnnpack {
namespace {

using Residual = Epilogue::Residual;

// The range that an activation is; nothing for one that isn't.
std::optional<Range> range_of(const Epilogue& epilogue) {
  if (epilogue.activation == Activation::none) return Range{};
  if (epilogue.activation == Activation::relu) return Range{.low = 0.0F};
  if (epilogue.activation != Activation::clip || !(epilogue.alpha < epilogue.beta))
    return std::nullopt;
  return Range{epilogue.alpha, epilogue.beta};
}

// SiLU is x times its sigmoid.
Unary function_of(Activation activation) {
  if (activation == Activation::hard_swish) return Unary::hard_swish;
  const bool curved = activation == Activation::sigmoid || activation == Activation::silu;
  return curved ? Unary::sigmoid : Unary::clamp;
}

Operand flat(Floats values) { return {.rank = 1, .dims = {values.size()}, .data = values}; }

}  // namespace

bool Finish::takes(const Epilogue& epilogue) {
  return range_of(epilogue) || function_of(epilogue.activation) != Unary::clamp;
}

Finish::Finish(const Epilogue& epilogue, std::optional<size_t> residual)
    : epilogue_(epilogue),
      residual_(residual),
      function_([this](const Dims&) {
        return make_unary(function_of(epilogue_.activation), range_of(epilogue_).value_or(Range{}));
      }),
      addition_([](const Dims&) { return make_binary(Binary::add); }),
      product_([](const Dims&) { return make_binary(Binary::multiply); }) {}

bool Finish::activates() const {
  if (epilogue_.activation == Activation::none) return false;
  return adds(Residual::before_activation) || !range_of(epilogue_);
}

Range Finish::range() const { return activates() ? Range{} : *range_of(epilogue_); }

size_t Finish::scratch_bytes(const TensorView& y) const {
  const bool needed = epilogue_.activation == Activation::silu;
  return needed ? static_cast<size_t>(y.count()) * sizeof(float) : 0;
}

Status Finish::run(RunContext& context) const {
  if (adds(Residual::before_activation)) OCTET_RETURN_IF_ERROR(add_residual(context));
  if (activates()) OCTET_RETURN_IF_ERROR(activate(context));
  return adds(Residual::after_activation) ? add_residual(context) : Status{};
}

Status Finish::add_residual(RunContext& context) const {
  const TensorView& y = context.output(0);
  const Operand residual = flat(floats(context.input(*residual_)));
  return addition_.with({}, [&](Operator& op) {
    return run_binary(Binary::add, op, flat(floats(y)), residual, y.as<float>());
  });
}

Status Finish::activate(RunContext& context) const {
  const Floats y = floats(context.output(0));
  const bool silu = epilogue_.activation == Activation::silu;
  float* to = context.output(0).as<float>();
  float* result = silu ? reinterpret_cast<float*>(context.scratch().data()) : to;
  OCTET_RETURN_IF_ERROR(function_.with({}, [&](Operator& op) {
    return run_unary(function_of(epilogue_.activation), op, y, result);
  }));
  if (!silu) return {};
  const Floats gate{result, y.size()};
  return product_.with(
      {}, [&](Operator& op) { return run_binary(Binary::multiply, op, flat(y), flat(gate), to); });
}

}  // namespace octet::runtime::xnnpack
