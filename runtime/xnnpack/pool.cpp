#include "engine/ops/common/pool.h"

#include <algorithm>

#include "runtime/plain_f32.h"
#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {
namespace {

using ops::PoolGeometry;
using ops::PoolWindow;

bool are_all(std::span<const int64_t> values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v == wanted; });
}

std::optional<Ports> match_max(const LowerContext& context) {
  if (!is_plain_f32(context) || context.has_output(1)) return std::nullopt;
  if (are_all(context.attrs<ops::MaxPoolAttrs>().kernel_shape, 1)) return std::nullopt;
  return ops::match_pool_f32(context);
}

std::optional<Ports> match_average(const LowerContext& context) {
  const auto& attrs = context.attrs<ops::AveragePoolAttrs>();
  if (!is_plain_f32(context) || are_all(attrs.kernel_shape, 1) || !are_all(attrs.dilations, 1))
    return std::nullopt;
  const bool padded = !are_all(attrs.pads, 0) || attrs.auto_pad.starts_with("SAME");
  if (attrs.count_include_pad != 0 && (padded || attrs.ceil_mode != 0)) return std::nullopt;
  return ops::match_pool_f32(context);
}

std::optional<Ports> match_global(const LowerContext& context) {
  return is_plain_f32(context) ? ops::match_pool_f32(context) : std::nullopt;
}

// Operators are made for channels and paddings, which depend on the input's extents.
class PoolStep final : public Step {
 public:
  PoolStep(Pool function, std::optional<PoolWindow> window)
      : function_(function),
        window_(std::move(window)),
        operators_([this](const Dims& key) { return make(key); }) {}

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    if (y.count() == 0) return {};
    const PoolGeometry g =
        window_ ? ops::pool_geometry(*window_, x.dims, y.dims) : ops::global_geometry(x.dims);
    if (are_all(g.kernel, 1)) {  // A whole image of one pixel.
      std::ranges::copy(x.bytes(), y.data);
      return {};
    }
    const ImageSize size{.batch = g.batch,
                         .height = g.in.size() == 1 ? 1 : static_cast<size_t>(g.in[0]),
                         .width = static_cast<size_t>(g.in.back()),
                         .channels = g.channels};
    return operators_.with(key_of(g), [&](Operator& op) {
      return run_pool(function_, op, size, floats(x), y.as<float>());
    });
  }
  StepInfo info() const override { return step_info("pool_f32"); }

 private:
  // Channels; then kernel, stride, dilation, padding in front and behind of each axis.
  static Dims key_of(const PoolGeometry& g) {
    Dims key = {static_cast<int64_t>(g.channels)};
    for (size_t i = 0; i < g.in.size(); ++i) {
      const int64_t reach = (g.out[i] - 1) * g.stride[i] + (g.kernel[i] - 1) * g.dilation[i] + 1;
      const int64_t end = std::max<int64_t>(reach - g.in[i] - g.pad_begin[i], 0);
      key.insert(key.end(), {g.kernel[i], g.stride[i], g.dilation[i], g.pad_begin[i], end});
    }
    return key;
  }

  Result<Operator> make(const Dims& key) const {
    Window window;
    const size_t axes = key.size() / 5;
    for (size_t i = 0; i < axes; ++i) {
      const auto entry = [&](size_t j) { return static_cast<uint32_t>(key[1 + 5 * i + j]); };
      const size_t axis = 2 - axes + i;
      window.kernel[axis] = entry(0);
      window.stride[axis] = entry(1);
      window.dilation[axis] = entry(2);
      window.pad_begin[axis] = entry(3);
      window.pad_end[axis] = entry(4);
    }
    return make_pool(function_, window, static_cast<size_t>(key[0]));
  }

  Pool function_;
  std::optional<PoolWindow> window_;  // Nothing: the whole image.
  Operators operators_;
};

template <Pool Function, typename A>
Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<PoolStep>(Function, context.attrs<A>()));
}

Result<std::unique_ptr<Step>> prepare_global(const LowerContext& /*context*/) {
  return std::unique_ptr<Step>(std::make_unique<PoolStep>(Pool::average, std::nullopt));
}

}  // namespace

extern const Implementation AveragePool_row;
extern const Implementation GlobalAveragePool_row;
extern const Implementation MaxPool_row;
const Implementation AveragePool_row = {.name = "pool_f32",
                                        .provider = "xnnpack",
                                        .match = match_average,
                                        .prepare = prepare<Pool::average, ops::AveragePoolAttrs>};
const Implementation GlobalAveragePool_row = {
    .name = "pool_f32", .provider = "xnnpack", .match = match_global, .prepare = prepare_global};
const Implementation MaxPool_row = {.name = "pool_f32",
                                    .provider = "xnnpack",
                                    .match = match_max,
                                    .prepare = prepare<Pool::max, ops::MaxPoolAttrs>};

}  // namespace octet::runtime::xnnpack
