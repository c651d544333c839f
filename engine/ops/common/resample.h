#pragma once

#include <string>
#include <vector>

#include "engine/ops/op.h"

namespace octet::ops {

/// Attributes of Resize in its newest form.
struct ResizeAttrs {
  int64_t antialias = 0;
  std::vector<int64_t> axes = {};  ///< Empty: all of them.
  std::string coordinate_transformation_mode = "half_pixel";
  float cubic_coeff_a = -0.75F;
  int64_t exclude_outside = 0;
  float extrapolation_value = 0.0F;
  std::string keep_aspect_ratio_policy = "stretch";
  std::string mode = "nearest";
  std::string nearest_mode = "round_prefer_floor";
  static constexpr auto fields() {
    return std::tuple{
        field("antialias", &ResizeAttrs::antialias, {.since = 18}),
        field("axes", &ResizeAttrs::axes, {.since = 18}),
        field("coordinate_transformation_mode", &ResizeAttrs::coordinate_transformation_mode,
              {.since = 11}),
        field("cubic_coeff_a", &ResizeAttrs::cubic_coeff_a, {.since = 11}),
        field("exclude_outside", &ResizeAttrs::exclude_outside, {.since = 11}),
        field("extrapolation_value", &ResizeAttrs::extrapolation_value, {.since = 11}),
        field("keep_aspect_ratio_policy", &ResizeAttrs::keep_aspect_ratio_policy, {.since = 18}),
        field("mode", &ResizeAttrs::mode),
        field("nearest_mode", &ResizeAttrs::nearest_mode, {.since = 11})};
  }
};

/// One axis of a resize.
struct ResampleAxis {
  int64_t in = 1;
  int64_t out = 1;
  double scale = 1.0;
  double roi_begin = 0.0;  ///< Of tf_crop_and_resize, in lengths of the axis.
  double roi_end = 1.0;
};

/// Where the outputs along an axis come from: output i is the weighted sum of `width` inputs
/// (clamped to the axis), or the extrapolation value when it is marked as outside.
struct ResampleTaps {
  size_t width = 1;
  std::vector<size_t> index;  ///< [out, width]
  std::vector<float> weight;  ///< [out, width]
  std::vector<bool> outside;  ///< [out]; empty when none is.
};

/// Fails on a mode, policy or transformation that isn't known.
Status check_resize(const ResizeAttrs& attrs);

ResampleTaps resample_taps(const ResizeAttrs& attrs, const ResampleAxis& axis);

}  // namespace octet::ops
