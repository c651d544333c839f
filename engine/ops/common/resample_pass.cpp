#include "engine/ops/common/resample_pass.h"

#include <algorithm>
#include <cstring>

namespace octet::ops {
namespace {

// One axis of [outer, in, inner], weighted in Sum.
template <typename Sum>
std::vector<Sum> resample(const std::vector<Sum>& x, const ResampleTaps& taps, size_t outer,
                          size_t in, size_t out, size_t inner, Sum extrapolation,
                          Parallel& parallel) {
  std::vector<Sum> y(outer * out * inner);
  parallel.for_ranges(
      outer * out, 1024 / std::max<size_t>(inner, 1) + 1, [&](size_t begin, size_t end) {
        for (size_t row = begin; row < end; ++row) {
          const size_t j = row % out;
          Sum* to = y.data() + row * inner;
          if (!taps.outside.empty() && taps.outside[j]) {
            std::fill_n(to, inner, extrapolation);
            continue;
          }
          for (size_t k = 0; k < taps.width; ++k) {
            const auto weight = static_cast<Sum>(taps.weight[j * taps.width + k]);
            if (weight == Sum{}) continue;
            const Sum* from = x.data() + (row / out * in + taps.index[j * taps.width + k]) * inner;
            for (size_t i = 0; i < inner; ++i) to[i] += weight * from[i];
          }
        }
      });
  return y;
}

// A plain copy along one axis, of elements of any size.
std::vector<std::byte> gather(const std::byte* x, const ResampleTaps& taps, size_t outer, size_t in,
                              size_t out, size_t bytes) {
  std::vector<std::byte> y(outer * out * bytes);
  for (size_t row = 0; row < outer * out; ++row)
    std::memcpy(y.data() + row * bytes, x + (row / out * in + taps.index[row % out]) * bytes,
                bytes);
  return y;
}

// Calls pass(axis, outer, inner) for each axis that changes.
template <typename Pass>
void for_axes(const std::vector<ResampleAxis>& axes, Pass&& pass) {
  for (size_t a = 0; a < axes.size(); ++a) {
    if (is_identity(axes[a])) continue;
    size_t outer = 1;
    size_t inner = 1;
    for (size_t b = 0; b < a; ++b) outer *= static_cast<size_t>(axes[b].out);
    for (size_t b = a + 1; b < axes.size(); ++b) inner *= static_cast<size_t>(axes[b].in);
    pass(axes[a], outer, inner);
  }
}

template <typename Sum>
void resample_axes(const ResizeAttrs& attrs, const std::vector<ResampleAxis>& axes,
                   std::vector<Sum>& values, Parallel& parallel) {
  for_axes(axes, [&](const ResampleAxis& axis, size_t outer, size_t inner) {
    values = resample<Sum>(values, resample_taps(attrs, axis), outer, static_cast<size_t>(axis.in),
                           static_cast<size_t>(axis.out), inner,
                           static_cast<Sum>(attrs.extrapolation_value), parallel);
  });
}

}  // namespace

bool is_identity(const ResampleAxis& axis) {
  return axis.in == axis.out && axis.scale == 1.0 && axis.roi_begin == 0.0 && axis.roi_end == 1.0;
}

bool interpolate(const ResizeAttrs& attrs, const std::vector<ResampleAxis>& axes,
                 const TensorView& x, const TensorView& y, Parallel& parallel) {
  return visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() {
    using Sum = std::conditional_t<std::is_same_v<T, double>, double, float>;
    std::vector<Sum> values(x.as<T>(), x.as<T>() + x.count());
    resample_axes(attrs, axes, values, parallel);
    std::transform(values.begin(), values.end(), y.as<T>(),
                   [](Sum value) { return static_cast<T>(value); });
  });
}

void move_nearest(const ResizeAttrs& attrs, const std::vector<ResampleAxis>& axes,
                  const TensorView& x, const TensorView& y) {
  const size_t element = dtype_bytes(x.dtype, 1);
  std::vector<std::byte> values(x.bytes().begin(), x.bytes().end());
  for_axes(axes, [&](const ResampleAxis& axis, size_t outer, size_t inner) {
    values = gather(values.data(), resample_taps(attrs, axis), outer, static_cast<size_t>(axis.in),
                    static_cast<size_t>(axis.out), inner * element);
  });
  std::copy(values.begin(), values.end(), y.data);
}

}  // namespace octet::ops
