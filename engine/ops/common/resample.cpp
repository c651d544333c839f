#include "engine/ops/common/resample.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/ops/common/real.h"

namespace octet::ops {
namespace {

// Weights of inputs around a point: `start` is the first one's distance from the point's floor.
struct Stencil {
  int64_t start = 0;
  std::vector<double> weights;
};

// Resize's formulas for coordinate_transformation_mode. The output's length is in * scale, which
// needn't be an integer.
double source_of(const std::string& mode, const ResampleAxis& axis, int64_t i) {
  const auto x = static_cast<double>(i);
  const auto in = static_cast<double>(axis.in);
  const double out = in * axis.scale;
  const double half_pixel = (x + 0.5) / axis.scale - 0.5;
  if (mode == "asymmetric") return x / axis.scale;
  if (mode == "align_corners") return out == 1.0 ? 0.0 : x * (in - 1.0) / (out - 1.0);
  if (mode == "pytorch_half_pixel") return out == 1.0 ? -0.5 : half_pixel;
  if (mode == "half_pixel_symmetric")
    return in / 2.0 * (1.0 - static_cast<double>(axis.out) / out) + half_pixel;
  if (mode == "tf_crop_and_resize") {
    const double extent = axis.roi_end - axis.roi_begin;
    const double offset = axis.roi_begin * (in - 1.0);
    if (out == 1.0) return offset + extent * (in - 1.0) / 2.0;
    return offset + x * extent * (in - 1.0) / (out - 1.0);
  }
  return half_pixel;
}

Stencil nearest(const std::string& mode, double ratio) {
  bool up = false;
  if (mode == "round_prefer_floor") up = ratio > 0.5;
  if (mode == "round_prefer_ceil") up = ratio >= 0.5;
  if (mode == "ceil") up = ratio > 0.0;
  return {up ? 1 : 0, {1.0}};
}

double cubic(double x, double a) {
  x = std::fabs(x);
  if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
  return 0.0;
}

// The kernel (triangle, or cubic convolution: Keys 1981) over its reach, stretched when shrinking.
Stencil interpolate(const ResizeAttrs& attrs, double ratio, double scale) {
  const bool is_cubic = attrs.mode == "cubic";
  const double stretch = attrs.antialias != 0 ? std::min(scale, 1.0) : 1.0;
  Stencil s;
  s.start = static_cast<int64_t>(std::floor((is_cubic ? -2.0 : -1.0) / stretch)) + 1;
  double sum = 0.0;
  for (int64_t i = s.start; i < 2 - s.start; ++i) {
    const double d = (static_cast<double>(i) - ratio) * stretch;
    const double weight = is_cubic ? cubic(d, static_cast<double>(attrs.cubic_coeff_a))
                                   : std::clamp(1.0 - std::fabs(d), 0.0, 1.0);
    s.weights.push_back(weight);
    sum += weight;
  }
  if (attrs.antialias != 0)
    for (double& weight : s.weights) weight /= sum;
  return s;
}

void leave_out(Stencil& stencil, int64_t first, int64_t extent) {
  double sum = 0.0;
  for (size_t k = 0; k < stencil.weights.size(); ++k) {
    const int64_t at = first + static_cast<int64_t>(k);
    if (at < 0 || at >= extent) stencil.weights[k] = 0.0;
    sum += stencil.weights[k];
  }
  for (double& weight : stencil.weights) weight /= sum;
}

template <size_t N>
Status one_of(const std::string& what, const std::string& value,
              const std::array<std::string_view, N>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return {};
  return unsupported("{} '{}'", what, value);
}

}  // namespace

Status check_resize(const ResizeAttrs& attrs) {
  OCTET_RETURN_IF_ERROR(
      one_of("mode", attrs.mode, std::to_array<std::string_view>({"nearest", "linear", "cubic"})));
  OCTET_RETURN_IF_ERROR(one_of("nearest_mode", attrs.nearest_mode,
                               std::to_array<std::string_view>(
                                   {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})));
  OCTET_RETURN_IF_ERROR(
      one_of("keep_aspect_ratio_policy", attrs.keep_aspect_ratio_policy,
             std::to_array<std::string_view>({"stretch", "not_larger", "not_smaller"})));
  return one_of(
      "coordinate_transformation_mode", attrs.coordinate_transformation_mode,
      std::to_array<std::string_view>({"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
                                       "align_corners", "asymmetric", "tf_crop_and_resize"}));
}

ResampleTaps resample_taps(const ResizeAttrs& attrs, const ResampleAxis& axis) {
  ResampleTaps taps;
  const bool crop = attrs.coordinate_transformation_mode == "tf_crop_and_resize";
  for (int64_t i = 0; i < axis.out; ++i) {
    const double x = source_of(attrs.coordinate_transformation_mode, axis, i);
    const double floor = std::floor(x);
    Stencil stencil = attrs.mode == "nearest" ? nearest(attrs.nearest_mode, x - floor)
                                              : interpolate(attrs, x - floor, axis.scale);
    const int64_t first = integer_of<int64_t>(std::clamp(floor, -0x1p60, 0x1p60)) + stencil.start;
    if (attrs.exclude_outside != 0) leave_out(stencil, first, axis.in);
    taps.width = stencil.weights.size();
    for (size_t k = 0; k < taps.width; ++k) {
      const int64_t at = std::clamp<int64_t>(first + static_cast<int64_t>(k), 0,
                                             std::max<int64_t>(axis.in - 1, 0));
      taps.index.push_back(static_cast<size_t>(at));
      taps.weight.push_back(static_cast<float>(stencil.weights[k]));
    }
    if (crop) taps.outside.push_back(x < 0.0 || x > static_cast<double>(axis.in - 1));
  }
  return taps;
}

}  // namespace octet::ops
