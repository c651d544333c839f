#include "engine/ops/common/conv_kernel.h"

#include "engine/ops/common/dequantize.h"

namespace octet::ops {
namespace {

using namespace kernels;

// Spatial axis `i` of two; a 1-D convolution has the width alone.
size_t spatial(std::span<const int64_t> values, size_t i, size_t missing) {
  if (values.size() == 2) return static_cast<size_t>(values[i]);
  return i == 0 ? missing : static_cast<size_t>(values[0]);
}

// What packing depends on, and the output's dims; those that aren't known are 0.
ConvShape compiled_shape(const Dims& w, const ConvAttrs& attrs, const Type& out) {
  ConvShape s;
  s.groups = static_cast<size_t>(attrs.group);
  s.out_channels = static_cast<size_t>(w[0]);
  s.in_channels = static_cast<size_t>(w[1] * attrs.group);
  s.kernel_h = w.size() == 4 ? static_cast<size_t>(w[2]) : 1;
  s.kernel_w = static_cast<size_t>(w.back());
  if (!attrs.strides.empty()) {
    s.stride_h = spatial(attrs.strides, 0, 1);
    s.stride_w = spatial(attrs.strides, 1, 1);
  }
  if (!attrs.dilations.empty()) {
    s.dilation_h = spatial(attrs.dilations, 0, 1);
    s.dilation_w = spatial(attrs.dilations, 1, 1);
  }
  const auto extent = [&](size_t axis) {
    return axis < w.size() && out.shape
               ? static_cast<size_t>((*out.shape)[axis].maybe().value_or(0))
               : 0;
  };
  s.batch = extent(0);
  s.out_h = extent(2);
  s.out_w = extent(3);
  return s;
}

}  // namespace

ConvShape integer_conv_shape(const ConvGeometry& g) {
  ConvShape s;
  s.batch = static_cast<size_t>(g.batch);
  s.in_channels = static_cast<size_t>(g.in_channels);
  s.out_channels = static_cast<size_t>(g.out_channels);
  s.groups = static_cast<size_t>(g.groups);
  s.in_h = spatial(g.in, 0, 1);
  s.in_w = spatial(g.in, 1, 1);
  s.out_h = spatial(g.out, 0, 1);
  s.out_w = spatial(g.out, 1, 1);
  s.kernel_h = spatial(g.kernel, 0, 1);
  s.kernel_w = spatial(g.kernel, 1, 1);
  s.stride_h = spatial(g.stride, 0, 1);
  s.stride_w = spatial(g.stride, 1, 1);
  s.dilation_h = spatial(g.dilation, 0, 1);
  s.dilation_w = spatial(g.dilation, 1, 1);
  s.pad_top = spatial(g.pad_begin, 0, 0);
  s.pad_left = spatial(g.pad_begin, 1, 0);
  return s;
}

Result<ConvKernel> ConvKernel::make(const LowerContext& context, size_t port,
                                    const std::vector<int32_t>& zero_points) {
  ConvKernel kernel;
  const Tensor& weights = *context.constant(port);
  const auto& attrs = context.attrs<ConvAttrs>();
  const ConvShape shape = compiled_shape(weights.dims(), attrs, context.output(0).type);
  const CodeBytes codes(weights);
  const ConvWeights view{codes.data(), weights.dtype() == DType::s8, zero_points.data()};
  const auto pack = [&](const auto& table) -> Status {
    const StepInfo info = kernel.info();
    PackLayout layout(info.kernel, info.isa);
    layout.with(std::as_bytes(std::span(&shape, 1))).with(zero_points);
    OCTET_ASSIGN(kernel.packed_,
                 context.pack(port, layout, table.packed_bytes(shape),
                              [&](std::byte* packed) { table.pack(shape, view, packed); }));
    return {};
  };
  if (is_depthwise(weights.dims(), attrs.group)) {
    kernel.depthwise_ = &select_depthwise_s8(context.cpu());
    OCTET_RETURN_IF_ERROR(pack(*kernel.depthwise_->table));
    return kernel;
  }
  kernel.conv_ = &select_conv_s8(context.cpu());
  if (winograd_s8_pays(shape, kernel.conv_->isa) && winograd_s8_takes(shape, view)) {
    kernel.conv_ = &select_winograd_s8(context.cpu());
    kernel.name_ = "winograd_s8";
  }
  OCTET_RETURN_IF_ERROR(pack(*kernel.conv_->table));
  return kernel;
}

size_t ConvKernel::scratch_bytes(const ConvShape& shape, size_t width) const {
  return conv_ != nullptr ? conv_->table->scratch_bytes(shape, width)
                          : depthwise_->table->scratch_bytes(shape, width);
}

void ConvKernel::run(const ConvShape& shape, const ConvIo& io, const ConvEpilogue& epilogue,
                     void* scratch, Parallel& parallel) const {
  const void* packed = packed_.bytes().data();
  if (conv_ != nullptr)
    conv_->table->run(shape, packed, io, epilogue, scratch, parallel);
  else
    depthwise_->table->run(shape, packed, io, epilogue, scratch, parallel);
}

StepInfo ConvKernel::info() const {
  if (conv_ != nullptr) return {name_, "native", conv_->isa};
  return {"depthwise_s8", "native", depthwise_->isa};
}

}  // namespace octet::ops
