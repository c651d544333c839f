#include "engine/ops/common/conv_s8.h"

#include "engine/ops/common/accumulator.h"
#include "engine/ops/common/conv_f32.h"
#include "engine/ops/common/conv_kernel.h"
#include "engine/ops/common/dequantize.h"
#include "kernels/lut_s8/lut_s8.h"

namespace octet::ops {
namespace {

using namespace kernels;
using Storage = PortForm::Storage;

// The kernel adds a quantized residual itself when only a clamp follows.
bool kernel_adds_residual(const LowerContext& context, const ConvPorts& ports) {
  return ports.residual && is_int8_per_tensor(context.input_quant(*ports.residual));
}

std::optional<AccumulatorPlan> plan(const LowerContext& context) {
  const Tensor* w = context.constant(1);
  if (w == nullptr || w->rank() < 3 || w->rank() > 4) return std::nullopt;
  const auto depth = static_cast<int64_t>(w->count()) / std::max<int64_t>(w->dims()[0], 1);
  if (!is_int8_per_tensor(context.input_quant(0)) || !is_int8_weight(context.input_quant(1), 0) ||
      !is_accumulator_output(context.output(0)) || depth > kMaxIntegerDepth)
    return std::nullopt;
  const ConvPorts ports = conv_ports(context.node());
  AccumulatorSpec sums;
  sums.epilogue = context.attrs<ConvAttrs>().epilogue;
  sums.scale = channel_params(*context.input_quant(1), static_cast<size_t>(w->dims()[0])).scale;
  for (float& s : sums.scale) s *= context.input_quant(0)->tensor_scale().v;
  if (ports.bias) sums.bias = &context.input(*ports.bias);
  sums.output = context.output_quant(0);
  sums.kernel_residual = kernel_adds_residual(context, ports);
  sums.kernel_swish = true;
  sums.curve = AccumulatorSpec::Curve::floats;
  return plan_accumulator(sums);
}

class ConvS8 final : public Step {
 public:
  ConvS8(const LowerContext& context, AccumulatorPlan accumulator, ConvKernel kernel)
      : attrs_(context.attrs<ConvAttrs>()),
        ports_(conv_ports(context.node())),
        plan_(std::move(accumulator)),
        finish_(attrs_.epilogue, context.output_quant(0), context.cpu()),
        lut_(*select_lut_s8(context.cpu()).table),
        kernel_(std::move(kernel)),
        quantized_(context.output_quant(0) != nullptr),
        in_signed_(context.input_quant(0)->storage == DType::s8),
        in_zero_(context.input_quant(0)->tensor_zero_point().v) {
    if (plan_.finish || !ports_.residual) return;
    const QuantType& residual = *context.input_quant(*ports_.residual);
    const float unit = quantized_ ? context.output_quant(0)->tensor_scale().v : 1.0F;
    residual_signed_ = residual.storage == DType::s8;
    residual_zero_ = residual.tensor_zero_point().v;
    residual_multiplier_ = residual.tensor_scale().v / unit;
  }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& out = context.output(0);
    const ConvShape shape = shape_of(x, context.input(1), out);
    const size_t floats = float_bytes(out);
    ConvIo io;
    io.in = x.data;
    io.in_signed = in_signed_;
    io.in_zero_point = in_zero_;
    io.out = floats > 0 ? context.scratch().data() : out.data;
    kernel_.run(shape, io, epilogue(context), context.scratch().data() + floats,
                context.parallel());
    if (plan_.curve) {
      lut_.curve(static_cast<const float*>(io.out), reinterpret_cast<uint8_t*>(out.data),
                 static_cast<size_t>(out.count()), *plan_.curve, plan_.storage == DType::s8,
                 context.parallel());
    } else if (plan_.finish) {
      const float* residual =
          ports_.residual ? context.input(*ports_.residual).as<float>() : nullptr;
      finish_.run(static_cast<float*>(io.out), static_cast<size_t>(out.count()), residual, out.data,
                  context.parallel());
    }
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t width) const override {
    const ConvShape shape = shape_of(inputs[0], inputs[1], outputs[0]);
    return float_bytes(outputs[0]) + kernel_.scratch_bytes(shape, width);
  }
  StepInfo info() const override { return kernel_.info(); }

 private:
  ConvShape shape_of(const TensorView& x, const TensorView& w, const TensorView& out) const {
    return integer_conv_shape(conv_geometry(attrs_, x.dims, w.dims, out.dims));
  }
  // Floats that the kernel writes before they become codes; 0 when it writes the output itself.
  size_t float_bytes(const TensorView& out) const {
    if (!quantized_ || plan_.codes) return 0;
    return (static_cast<size_t>(out.count()) * sizeof(float) + 63) / 64 * 64;
  }
  ConvEpilogue epilogue(const RunContext& context) const {
    ConvEpilogue e;
    e.bias = plan_.bias.empty() ? nullptr : plan_.bias.data();
    e.bias_f32 = plan_.bias_f32.empty() ? nullptr : plan_.bias_f32.data();
    e.multiplier = plan_.multiplier.data();
    e.swish_slope = plan_.swish_slope;
    e.out = !plan_.codes ? Element::f32 : (plan_.storage == DType::u8 ? Element::u8 : Element::s8);
    e.zero_point = plan_.zero_point;
    e.low = plan_.low;
    e.high = plan_.high;
    if (ports_.residual && !plan_.finish) {
      e.residual = context.input(*ports_.residual).data;
      e.residual_signed = residual_signed_;
      e.residual_zero_point = residual_zero_;
      e.residual_multiplier = residual_multiplier_;
    }
    return e;
  }

  ConvAttrs attrs_;
  ConvPorts ports_;
  AccumulatorPlan plan_;
  FloatFinish finish_;
  const LutS8Table& lut_;
  ConvKernel kernel_;
  bool quantized_;
  bool in_signed_;
  int32_t in_zero_;
  bool residual_signed_ = false;
  int32_t residual_zero_ = 0;
  float residual_multiplier_ = 0.0F;
};

}  // namespace

std::optional<Ports> match_conv_s8(const LowerContext& context) {
  const auto accumulator = plan(context);
  if (!accumulator) return std::nullopt;
  const ConvPorts at = conv_ports(context.node());
  Ports ports;
  ports.inputs.resize(context.node().inputs.size());
  ports.inputs[0] = {Storage::stored, Layout::channels_last};
  ports.inputs[1].storage = Storage::stored;
  if (at.bias) ports.inputs[*at.bias].storage = Storage::stored;
  if (at.residual)
    ports.inputs[*at.residual] = {accumulator->finish ? Storage::real : Storage::stored,
                                  Layout::channels_last};
  const bool quantized = context.output_quant(0) != nullptr;
  ports.outputs = {{quantized ? Storage::stored : Storage::real, Layout::channels_last}};
  return ports;
}

std::optional<Ports> match_depthwise_s8(const LowerContext& context) {
  const Tensor* w = context.constant(1);
  if (w == nullptr || w->rank() < 3 || !is_depthwise(w->dims(), context.attrs<ConvAttrs>().group))
    return std::nullopt;
  return match_conv_s8(context);
}

Result<std::unique_ptr<Step>> prepare_conv_s8(const LowerContext& context) {
  const Tensor& w = *context.constant(1);
  const ChannelParams params =
      channel_params(*context.input_quant(1), static_cast<size_t>(w.dims()[0]));
  OCTET_ASSIGN(ConvKernel kernel, ConvKernel::make(context, 1, params.zero_point));
  return std::unique_ptr<Step>(
      std::make_unique<ConvS8>(context, *plan(context), std::move(kernel)));
}

}  // namespace octet::ops
