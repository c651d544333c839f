#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "engine/ops/fields.h"

namespace octet::ops {

/// Attributes of ConvTranspose. Empty vectors mean ones (dilations, strides), zeros (pads,
/// output_padding), the weight's own extents (kernel_shape) or what the others imply
/// (output_shape).
struct ConvTransposeAttrs {
  std::string auto_pad = "NOTSET";
  std::vector<int64_t> dilations = {};
  int64_t group = 1;
  std::vector<int64_t> kernel_shape = {};
  std::vector<int64_t> output_padding = {};
  std::vector<int64_t> output_shape = {};  ///< Of the spatial axes alone; pads follow from it.
  std::vector<int64_t> pads = {};          ///< Begins of all axes, then ends.
  std::vector<int64_t> strides = {};
  static constexpr auto fields() {
    using A = ConvTransposeAttrs;
    return std::tuple{field("auto_pad", &A::auto_pad),
                      field("dilations", &A::dilations),
                      field("group", &A::group),
                      field("kernel_shape", &A::kernel_shape),
                      field("output_padding", &A::output_padding),
                      field("output_shape", &A::output_shape),
                      field("pads", &A::pads),
                      field("strides", &A::strides)};
  }
};

}  // namespace octet::ops
