#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "engine/ops/epilogue.h"
#include "engine/ops/fields.h"

namespace octet::ops {

/// Attributes of Conv, ConvInteger and QLinearConv. Empty vectors mean ones (dilations, strides),
/// zeros (pads) or the weight's own extents (kernel_shape).
struct ConvAttrs {
  std::string auto_pad = "NOTSET";
  std::vector<int64_t> dilations = {};
  int64_t group = 1;
  std::vector<int64_t> kernel_shape = {};
  std::vector<int64_t> pads = {};  ///< Begins of all axes, then ends.
  std::vector<int64_t> strides = {};
  Epilogue epilogue = {};  ///< Of Conv, set by fusion alone: the residual is the last input.
  static constexpr auto fields() {
    return std::tuple{
        field("auto_pad", &ConvAttrs::auto_pad), field("dilations", &ConvAttrs::dilations),
        field("group", &ConvAttrs::group),       field("kernel_shape", &ConvAttrs::kernel_shape),
        field("pads", &ConvAttrs::pads),         field("strides", &ConvAttrs::strides)};
  }
};

}  // namespace octet::ops
