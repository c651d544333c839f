#include "engine/ops/common/conv_f32.h"

#include "engine/ops/common/activation.h"
#include "engine/ops/common/conv_geometry.h"
#include "engine/ops/common/dequantize.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/depthwise_f32/depthwise_f32.h"

namespace octet::ops {

using namespace kernels;

ConvPorts conv_ports(const Node& node) {
  ConvPorts ports;
  size_t inputs = node.inputs.size();
  if (node.attrs.as<ConvAttrs>().epilogue.residual != Epilogue::Residual::none)
    ports.residual = --inputs;
  if (inputs > 2 && node.has_input(2)) ports.bias = 2;
  return ports;
}

namespace {

// Spatial axis `i` of two; a 1-D convolution has the width alone.
size_t spatial(std::span<const int64_t> values, size_t i, size_t missing) {
  if (values.size() == 2) return static_cast<size_t>(values[i]);
  return i == 0 ? missing : static_cast<size_t>(values[0]);
}

ConvF32Weights float_conv_weights(const float* data, const ConvF32Shape& s) {
  const auto width = static_cast<ptrdiff_t>(s.kernel_width);
  const ptrdiff_t taps = width * static_cast<ptrdiff_t>(s.kernel_height);
  const auto depth = static_cast<ptrdiff_t>(s.in_channels / s.groups);
  return {data, taps * depth, taps, width, 1};
}

}  // namespace

ConvF32Shape float_conv_shape(const ConvGeometry& g) {
  ConvF32Shape s;
  s.batch = static_cast<size_t>(g.batch);
  s.in_channels = static_cast<size_t>(g.in_channels);
  s.out_channels = static_cast<size_t>(g.out_channels);
  s.groups = static_cast<size_t>(g.groups);
  s.in_height = spatial(g.in, 0, 1);
  s.in_width = spatial(g.in, 1, 1);
  s.out_height = spatial(g.out, 0, 1);
  s.out_width = spatial(g.out, 1, 1);
  s.kernel_height = spatial(g.kernel, 0, 1);
  s.kernel_width = spatial(g.kernel, 1, 1);
  s.stride_y = spatial(g.stride, 0, 1);
  s.stride_x = spatial(g.stride, 1, 1);
  s.dilation_y = spatial(g.dilation, 0, 1);
  s.dilation_x = spatial(g.dilation, 1, 1);
  s.pad_top = spatial(g.pad_begin, 0, 0);
  s.pad_left = spatial(g.pad_begin, 1, 0);
  return s;
}

ConvF32Shape float_weight_shape(const Dims& w, int64_t groups) {
  ConvF32Shape s;
  s.groups = static_cast<size_t>(groups);
  s.out_channels = static_cast<size_t>(w[0]);
  s.in_channels = static_cast<size_t>(w[1] * groups);
  s.kernel_height = w.size() == 4 ? static_cast<size_t>(w[2]) : 1;
  s.kernel_width = static_cast<size_t>(w.back());
  return s;
}

Result<Tensor> pack_float_conv(const LowerContext& context, const StepInfo& info, int64_t groups,
                               const GemmF32Table& gemm, decltype(&conv_f32_packed_size) size,
                               decltype(&conv_f32_pack) pack) {
  const Tensor& weights = *context.constant(1);
  const QuantPtr& quant = context.input_quant(1);
  const ConvF32Shape shape = float_weight_shape(weights.dims(), groups);
  PackLayout layout(info.kernel, info.isa);
  layout.with(groups).with(quant);
  return context.pack(1, layout, size(gemm, shape) * sizeof(float), [&](std::byte* packed) {
    SerialParallel serial;
    const auto real = real_elements(weights, quant);
    pack(gemm, shape, float_conv_weights(real.data(), shape), reinterpret_cast<float*>(packed),
         serial);
  });
}

ConvF32Args float_conv_args(const ConvAttrs& attrs, const ConvPorts& ports,
                            const RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& out = context.output(0);
  ConvF32Args args;
  args.shape = float_conv_shape(conv_geometry(attrs, x.dims, context.input(1).dims, out.dims));
  args.in = x.as<float>();
  args.in_pixel = static_cast<ptrdiff_t>(args.shape.in_channels);
  args.out = out.as<float>();
  args.out_pixel = static_cast<ptrdiff_t>(args.shape.out_channels);
  args.epilogue.activation = kernel_activation(attrs.epilogue);
  if (ports.bias) args.epilogue.bias = context.input(*ports.bias).as<float>();
  if (!ports.residual) return args;
  const float* residual = context.input(*ports.residual).as<float>();
  if (attrs.epilogue.residual == Epilogue::Residual::before_activation) {
    args.epilogue.addend = residual;
    args.epilogue.addend_row = args.out_pixel;
    args.epilogue.beta = 1.0F;
  } else {
    args.epilogue.residual = residual;
    args.epilogue.residual_row = args.out_pixel;
  }
  return args;
}

namespace {

class ConvF32 final : public Step {
 public:
  ConvF32(const LowerContext& context, const GemmF32Variant& variant)
      : attrs_(context.attrs<ConvAttrs>()), ports_(conv_ports(context.node())), variant_(variant) {}

  Status pack(const LowerContext& context) {
    OCTET_ASSIGN(packed_, pack_float_conv(context, info(), attrs_.group, *variant_.table,
                                          conv_f32_packed_size, conv_f32_pack));
    is_packed_ = true;
    return {};
  }

  Status run(RunContext& context) const override {
    ConvF32Args args = float_conv_args(attrs_, ports_, context);
    args.packed = is_packed_ ? reinterpret_cast<const float*>(packed_.bytes().data())
                             : pack_now(context, args.shape);
    conv_f32(*variant_.table, args, context.parallel());
    return {};
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    if (is_packed_) return 0;
    const ConvF32Shape shape = float_weight_shape(inputs[1].dims, attrs_.group);
    return conv_f32_packed_size(*variant_.table, shape) * sizeof(float);
  }

  StepInfo info() const override { return {"conv_f32", "native", variant_.isa}; }

 private:
  const float* pack_now(RunContext& context, const ConvF32Shape& shape) const {
    auto* packed = reinterpret_cast<float*>(context.scratch().data());
    const ConvF32Weights weights = float_conv_weights(context.input(1).as<float>(), shape);
    conv_f32_pack(*variant_.table, shape, weights, packed, context.parallel());
    return packed;
  }

  ConvAttrs attrs_;
  ConvPorts ports_;
  const GemmF32Variant& variant_;
  Tensor packed_;
  bool is_packed_ = false;
};

class DepthwiseF32 final : public Step {
 public:
  DepthwiseF32(const LowerContext& context, const DepthwiseF32Variant& variant)
      : attrs_(context.attrs<ConvAttrs>()), ports_(conv_ports(context.node())), variant_(variant) {}

  Status pack(const LowerContext& context) {
    const Tensor& weights = *context.constant(1);
    const QuantPtr& quant = context.input_quant(1);
    PackLayout layout(info().kernel, variant_.isa);
    layout.with(quant);
    OCTET_ASSIGN(
        packed_, context.pack(1, layout, weights.count() * sizeof(float), [&](std::byte* packed) {
          const auto real = real_elements(weights, quant);
          const auto channels = static_cast<size_t>(weights.dims()[0]);
          depthwise_f32_pack(real.data(), channels, channels == 0 ? 0 : real.size() / channels,
                             reinterpret_cast<float*>(packed));
        }));
    return {};
  }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& out = context.output(0);
    const ConvF32Shape s =
        float_conv_shape(conv_geometry(attrs_, x.dims, context.input(1).dims, out.dims));
    DepthwiseF32Args args;
    args.batch = s.batch;
    args.channels = s.in_channels;
    args.in_height = s.in_height;
    args.in_width = s.in_width;
    args.out_height = s.out_height;
    args.out_width = s.out_width;
    args.kernel_height = s.kernel_height;
    args.kernel_width = s.kernel_width;
    args.stride_y = s.stride_y;
    args.stride_x = s.stride_x;
    args.dilation_y = s.dilation_y;
    args.dilation_x = s.dilation_x;
    args.pad_top = s.pad_top;
    args.pad_left = s.pad_left;
    args.in = x.as<float>();
    args.weights = reinterpret_cast<const float*>(packed_.bytes().data());
    if (ports_.bias) args.bias = context.input(*ports_.bias).as<float>();
    args.activation = kernel_activation(attrs_.epilogue);
    if (ports_.residual) args.residual = context.input(*ports_.residual).as<float>();
    args.out = out.as<float>();
    depthwise_f32(*variant_.table, args, context.parallel());
    return {};
  }

  StepInfo info() const override { return {"depthwise_f32", "native", variant_.isa}; }

 private:
  ConvAttrs attrs_;
  ConvPorts ports_;
  const DepthwiseF32Variant& variant_;
  Tensor packed_;
};

}  // namespace

std::optional<Ports> match_conv_f32(const LowerContext& context) {
  const Type& w = context.input(1).type;
  const bool real = w.dtype == DType::f32 || w.dtype == DType::f16 || w.dtype == DType::bf16;
  if (!real || !w.shape || w.shape->size() < 3 || w.shape->size() > 4) return std::nullopt;
  const Tensor* weights = context.constant(1);
  const int64_t groups = context.attrs<ConvAttrs>().group;
  if (weights != nullptr && !conv_f32_fits(float_weight_shape(weights->dims(), groups)))
    return std::nullopt;
  Ports ports;
  ports.inputs.resize(context.node().inputs.size());
  ports.inputs[0].layout = Layout::channels_last;
  if (weights != nullptr) ports.inputs[1].storage = PortForm::Storage::stored;
  if (const auto residual = conv_ports(context.node()).residual)
    ports.inputs[*residual].layout = Layout::channels_last;
  ports.outputs = {{PortForm::Storage::real, Layout::channels_last}};
  return ports;
}

Result<std::unique_ptr<Step>> prepare_conv_f32(const LowerContext& context) {
  auto step = std::make_unique<ConvF32>(context, select_gemm_f32(context.cpu()));
  if (context.constant(1) != nullptr) OCTET_RETURN_IF_ERROR(step->pack(context));
  return std::unique_ptr<Step>(std::move(step));
}

std::optional<Ports> match_depthwise_f32(const LowerContext& context) {
  const auto& epilogue = context.attrs<ConvAttrs>().epilogue;
  const Tensor* w = context.constant(1);
  if (w == nullptr || !is_depthwise(w->dims(), context.attrs<ConvAttrs>().group) ||
      epilogue.residual == Epilogue::Residual::before_activation)
    return std::nullopt;
  return match_conv_f32(context);
}

Result<std::unique_ptr<Step>> prepare_depthwise_f32(const LowerContext& context) {
  auto step = std::make_unique<DepthwiseF32>(context, select_depthwise_f32(context.cpu()));
  OCTET_RETURN_IF_ERROR(step->pack(context));
  return std::unique_ptr<Step>(std::move(step));
}

}  // namespace octet::ops
