#include "engine/ops/softmax.h"

#include "runtime/plain_f32.h"
#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {
namespace {

// Along the last axis.
std::optional<Ports> match(const LowerContext& context) {
  const auto& shape = context.input(0).type.shape;
  if (!is_plain_f32(context) || !shape || shape->empty()) return std::nullopt;
  const int64_t axis = context.attrs<ops::SoftmaxAttrs>().axis.value_or(-1);
  const auto rank = static_cast<int64_t>(shape->size());
  return axis == -1 || axis == rank - 1 ? std::optional<Ports>(Ports{}) : std::nullopt;
}

// Operators are made for the axis's extent.
class SoftmaxStep final : public Step {
 public:
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    if (y.count() == 0) return {};
    const int64_t extent = x.dims.back();
    return operators_.with({extent}, [&](Operator& op) {
      return run_softmax(op, static_cast<size_t>(extent), floats(x), y.as<float>());
    });
  }
  StepInfo info() const override { return step_info("softmax_f32"); }

 private:
  Operators operators_{[](const Dims& key) { return make_softmax(static_cast<size_t>(key[0])); }};
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& /*context*/) {
  return std::unique_ptr<Step>(std::make_unique<SoftmaxStep>());
}

}  // namespace

extern const Implementation Softmax_row;
const Implementation Softmax_row = {
    .name = "softmax_f32", .provider = "xnnpack", .match = match, .prepare = prepare};

}  // namespace octet::runtime::xnnpack
