#include "engine/ops/common/conv_transpose_s8.h"

#include "engine/ops/common/accumulator.h"
#include "engine/ops/common/conv_kernel.h"
#include "engine/ops/common/conv_transpose_geometry.h"
#include "engine/ops/common/dequantize.h"
#include "kernels/conv_transpose_s8/conv_transpose_s8.h"

namespace octet::ops {
namespace {

using namespace kernels;
using Storage = PortForm::Storage;

int64_t output_channels(const LowerContext& context) {
  return context.constant(1)->dims()[1] * context.attrs<ConvTransposeAttrs>().group;
}

// Nothing when the kernels can't run the node. Several groups share the weights' channel axis, so
// that only one scale describes them.
std::optional<AccumulatorPlan> plan(const LowerContext& context) {
  const Tensor* w = context.constant(1);
  if (w == nullptr || w->rank() < 3 || w->rank() > 4 || w->count() == 0) return std::nullopt;
  const QuantPtr& quant = context.input_quant(1);
  const bool grouped = context.attrs<ConvTransposeAttrs>().group != 1;
  if (!is_int8_per_tensor(context.input_quant(0)) || !is_int8_weight(quant, 1) ||
      (grouped && !quant->per_tensor()) || !is_accumulator_output(context.output(0)) ||
      static_cast<int64_t>(w->count()) / w->dims()[1] > kMaxIntegerDepth)
    return std::nullopt;
  AccumulatorSpec sums;
  sums.scale = channel_params(*quant, static_cast<size_t>(output_channels(context))).scale;
  for (float& s : sums.scale) s *= context.input_quant(0)->tensor_scale().v;
  if (context.has_input(2)) sums.bias = &context.input(2);
  sums.output = context.output_quant(0);
  return plan_accumulator(sums);
}

class ConvTransposeS8 final : public Step {
 public:
  ConvTransposeS8(const LowerContext& context, AccumulatorPlan accumulator)
      : attrs_(context.attrs<ConvTransposeAttrs>()),
        plan_(std::move(accumulator)),
        variant_(select_conv_transpose_s8(context.cpu())),
        in_signed_(context.input_quant(0)->storage == DType::s8),
        in_zero_(context.input_quant(0)->tensor_zero_point().v) {}

  Status pack(const LowerContext& context) {
    const Tensor& w = *context.constant(1);
    const Dims pixel(w.rank(), 1);
    const ConvShape shape =
        integer_conv_shape(conv_transpose_geometry(attrs_, pixel, w.dims(), pixel));
    const ChannelParams params = channel_params(*context.input_quant(1), shape.out_channels);
    const CodeBytes codes(w);
    const ConvWeights view{codes.data(), context.input_quant(1)->storage == DType::s8,
                           params.zero_point.data()};
    PackLayout layout(info().kernel, variant_.isa);
    layout.with(std::as_bytes(std::span(&shape, 1))).with(params.zero_point);
    OCTET_ASSIGN(packed_, context.pack(1, layout, variant_.table->packed_bytes(shape),
                                       [&](std::byte* packed) {
                                         variant_.table->pack(shape, view, packed);
                                       }));
    return {};
  }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& out = context.output(0);
    ConvIo io;
    io.in = x.data;
    io.in_signed = in_signed_;
    io.in_zero_point = in_zero_;
    io.out = out.data;
    variant_.table->run(shape_of(x, context.input(1), out), packed_.bytes().data(), io, epilogue(),
                        context.scratch().data(), context.parallel());
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t width) const override {
    return variant_.table->scratch_bytes(shape_of(inputs[0], inputs[1], outputs[0]), width);
  }
  StepInfo info() const override { return {"conv_transpose_s8", "native", variant_.isa}; }

 private:
  ConvShape shape_of(const TensorView& x, const TensorView& w, const TensorView& out) const {
    return integer_conv_shape(conv_transpose_geometry(attrs_, x.dims, w.dims, out.dims));
  }
  ConvEpilogue epilogue() const {
    ConvEpilogue e;
    e.bias = plan_.bias.empty() ? nullptr : plan_.bias.data();
    e.bias_f32 = plan_.bias_f32.empty() ? nullptr : plan_.bias_f32.data();
    e.multiplier = plan_.multiplier.data();
    e.out = !plan_.codes ? Element::f32 : (plan_.storage == DType::u8 ? Element::u8 : Element::s8);
    e.zero_point = plan_.zero_point;
    e.low = plan_.low;
    e.high = plan_.high;
    return e;
  }

  ConvTransposeAttrs attrs_;
  AccumulatorPlan plan_;
  const Variant<ConvTransposeS8Table>& variant_;
  bool in_signed_;
  int32_t in_zero_;
  Tensor packed_;
};

}  // namespace

std::optional<Ports> match_conv_transpose_s8(const LowerContext& context) {
  if (!plan(context)) return std::nullopt;
  Ports ports;
  ports.inputs.assign(context.node().inputs.size(), {Storage::stored, Layout::row_major});
  ports.inputs[0].layout = Layout::channels_last;
  const bool quantized = context.output_quant(0) != nullptr;
  ports.outputs = {{quantized ? Storage::stored : Storage::real, Layout::channels_last}};
  return ports;
}

Result<std::unique_ptr<Step>> prepare_conv_transpose_s8(const LowerContext& context) {
  auto step = std::make_unique<ConvTransposeS8>(context, *plan(context));
  OCTET_RETURN_IF_ERROR(step->pack(context));
  return std::unique_ptr<Step>(std::move(step));
}

}  // namespace octet::ops
