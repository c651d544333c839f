#include "engine/ops/common/ports.h"
#include "runtime/plain_f32.h"
#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {
namespace {

std::optional<Ports> match(const LowerContext& context) {
  if (!is_plain_f32(context)) return std::nullopt;
  return match_keep_layout(context).value_or(Ports{});
}

// Clip's constant bounds; nothing where they aren't constant or leave no range.
std::optional<Range> bounds(const LowerContext& context) {
  Range range;
  for (const size_t i : {size_t{1}, size_t{2}}) {
    if (!context.has_input(i)) continue;
    const Tensor* bound = context.constant(i);
    const auto values = bound == nullptr ? std::vector<float>{} : bound->to_float();
    if (values.size() != 1) return std::nullopt;
    (i == 1 ? range.low : range.high) = values[0];
  }
  return range.low < range.high ? std::optional(range) : std::nullopt;
}

std::optional<Ports> match_clip(const LowerContext& context) {
  auto ports = bounds(context) ? match(context) : std::nullopt;
  if (!ports) return ports;
  ports->inputs.resize(1);
  ports->inputs.emplace_back();
  return ports;
}

class UnaryStep final : public Step {
 public:
  UnaryStep(Unary function, Range range)
      : function_(function),
        operators_([function, range](const Dims&) { return make_unary(function, range); }) {}

  Status prepare() { return operators_.prepare({}); }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    if (y.count() == 0) return {};
    return operators_.with(
        {}, [&](Operator& op) { return run_unary(function_, op, floats(x), y.as<float>()); });
  }
  StepInfo info() const override { return step_info("elementwise_f32"); }

 private:
  Unary function_;
  Operators operators_;
};

Result<std::unique_ptr<Step>> prepare_clip(const LowerContext& context) {
  return prepared<UnaryStep>(Unary::clamp, *bounds(context));
}
Result<std::unique_ptr<Step>> prepare_relu(const LowerContext& /*context*/) {
  return prepared<UnaryStep>(Unary::clamp, Range{.low = 0.0F});
}
template <Unary Function>
Result<std::unique_ptr<Step>> prepare(const LowerContext& /*context*/) {
  return prepared<UnaryStep>(Function, Range{});
}

constexpr Implementation row(std::optional<Ports> (*matches)(const LowerContext&),
                             Result<std::unique_ptr<Step>> (*prepares)(const LowerContext&)) {
  return {.name = "elementwise_f32", .provider = "xnnpack", .match = matches, .prepare = prepares};
}

}  // namespace

extern const Implementation Clip_row;
extern const Implementation HardSwish_row;
extern const Implementation Relu_row;
extern const Implementation Sigmoid_row;
const Implementation Clip_row = row(match_clip, prepare_clip);
const Implementation HardSwish_row = row(match, prepare<Unary::hard_swish>);
const Implementation Relu_row = row(match, prepare_relu);
const Implementation Sigmoid_row = row(match, prepare<Unary::sigmoid>);

}  // namespace octet::runtime::xnnpack
