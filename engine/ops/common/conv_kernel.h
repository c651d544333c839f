#pragma once

#include "engine/ops/common/conv_geometry.h"
#include "kernels/conv_s8/conv_s8.h"
#include "kernels/depthwise_s8/depthwise_s8.h"
#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::ops {

/// A convolution of one or two spatial axes as integer kernels describe it.
kernels::ConvShape integer_conv_shape(const ConvGeometry& geometry);

/// An integer convolution kernel with its packed weights: depthwise_s8 where there are as many
/// groups as channels, winograd_s8 where that pays, else conv_s8.
class ConvKernel {
 public:
  /// Packs the OIHW (or OIW) constant of u8 or s8 codes at input `port`; `zero_points` has one
  /// entry for each output channel. The output's dims, where known, decide on the kernel.
  static Result<ConvKernel> make(const LowerContext& context, size_t port,
                                 const std::vector<int32_t>& zero_points);
  size_t scratch_bytes(const kernels::ConvShape& shape, size_t width) const;
  void run(const kernels::ConvShape& shape, const kernels::ConvIo& io,
           const kernels::ConvEpilogue& epilogue, void* scratch, Parallel& parallel) const;
  StepInfo info() const;

 private:
  const kernels::Variant<kernels::ConvS8Table>* conv_ = nullptr;  // null: depthwise_
  const char* name_ = "conv_s8";
  const kernels::Variant<kernels::DepthwiseS8Table>* depthwise_ = nullptr;
  Tensor packed_;
};

}  // namespace octet::ops
