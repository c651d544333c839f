#include <algorithm>

#include "engine/ops/common/ports.h"
#include "runtime/plain_f32.h"
#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {
namespace {

// Whether elements [C, spatial...] in row-major order are in channels-last order as well.
bool has_both_orders(const Shape& shape) {
  const auto is_one = [](const Dim& d) { return d == Dim(1); };
  return is_one(shape.front()) || std::all_of(shape.begin() + 1, shape.end(), is_one);
}

std::optional<Ports> match(const LowerContext& context) {
  const auto& out = context.output(0).type.shape;
  if (!is_plain_f32(context) || !out || out->size() > Operand::kMaxRank) return std::nullopt;
  auto channels_last = match_broadcast_layout(context);
  if (!channels_last) return Ports{};
  for (const size_t i : {size_t{0}, size_t{1}}) {
    const auto& shape = context.input(i).type.shape;
    if (!shape || (shape->size() + 1 == out->size() && !has_both_orders(*shape)))
      return std::nullopt;
  }
  return channels_last;
}

// The operand's dims in the order in which y's elements lie, filled up with ones in front.
Operand operand(const TensorView& view, const TensorView& y) {
  Operand operand;
  operand.rank = y.rank();
  operand.dims.fill(1);
  std::transform(view.dims.begin(), view.dims.end(),
                 operand.dims.begin() + static_cast<ptrdiff_t>(y.rank() - view.rank()),
                 [](int64_t d) { return static_cast<size_t>(d); });
  if (y.layout == Layout::channels_last && y.rank() > 2)
    std::rotate(operand.dims.begin() + 1, operand.dims.begin() + 2,
                operand.dims.begin() + static_cast<ptrdiff_t>(y.rank()));
  operand.data = floats(view);
  return operand;
}

class BinaryStep final : public Step {
 public:
  explicit BinaryStep(Binary function)
      : function_(function),
        operators_([function](const Dims&) { return make_binary(function); }) {}

  Status prepare() { return operators_.prepare({}); }

  Status run(RunContext& context) const override {
    const TensorView& a = context.input(0);
    const TensorView& b = context.input(1);
    const TensorView& y = context.output(0);
    if (y.count() == 0) return {};
    return operators_.with({}, [&](Operator& op) {
      return run_binary(function_, op, operand(a, y), operand(b, y), y.as<float>());
    });
  }
  StepInfo info() const override { return step_info("elementwise_f32"); }

 private:
  Binary function_;
  Operators operators_;
};

template <Binary Function>
Result<std::unique_ptr<Step>> prepare(const LowerContext& /*context*/) {
  return prepared<BinaryStep>(Function);
}

template <Binary Function>
constexpr Implementation kRow = {
    .name = "elementwise_f32", .provider = "xnnpack", .match = match, .prepare = prepare<Function>};

}  // namespace

extern const Implementation Add_row;
extern const Implementation Mul_row;
extern const Implementation Sub_row;
const Implementation Add_row = kRow<Binary::add>;
const Implementation Mul_row = kRow<Binary::multiply>;
const Implementation Sub_row = kRow<Binary::subtract>;

}  // namespace octet::runtime::xnnpack
