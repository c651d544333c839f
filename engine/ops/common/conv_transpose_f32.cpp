#include "engine/ops/common/conv_transpose_f32.h"

#include "engine/ops/common/conv_f32.h"
#include "engine/ops/common/conv_transpose_geometry.h"
#include "engine/ops/common/dequantize.h"
#include "kernels/conv_f32/conv_f32.h"

namespace octet::ops {
namespace {

using namespace kernels;

// What packing depends on: all but batch and extents.
ConvF32Shape weight_shape(const ConvTransposeAttrs& attrs, const Dims& w) {
  Dims pixel(w.size(), 1);
  return float_conv_shape(conv_transpose_geometry(attrs, pixel, w, pixel));
}

// IOHW.
ConvF32Weights weight_view(const float* data, const ConvF32Shape& s) {
  const auto width = static_cast<ptrdiff_t>(s.kernel_width);
  const ptrdiff_t taps = width * static_cast<ptrdiff_t>(s.kernel_height);
  const auto outputs = static_cast<ptrdiff_t>(s.out_channels / s.groups);
  return {data, taps, taps * outputs, width, 1};
}

class ConvTransposeF32 final : public Step {
 public:
  ConvTransposeF32(const LowerContext& context, const GemmF32Variant& variant)
      : attrs_(context.attrs<ConvTransposeAttrs>()), variant_(variant) {}

  Status pack(const LowerContext& context) {
    const Tensor& weights = *context.constant(1);
    const QuantPtr& quant = context.input_quant(1);
    const ConvF32Shape shape = weight_shape(attrs_, weights.dims());
    const size_t size = conv_transpose_f32_packed_size(*variant_.table, shape) * sizeof(float);
    PackLayout layout(info().kernel, variant_.isa);
    layout.with(std::as_bytes(std::span(&shape, 1))).with(quant);
    OCTET_ASSIGN(packed_, context.pack(1, layout, size, [&](std::byte* packed) {
      SerialParallel serial;
      const auto real = real_elements(weights, quant);
      conv_transpose_f32_pack(*variant_.table, shape, weight_view(real.data(), shape),
                              reinterpret_cast<float*>(packed), serial);
    }));
    return {};
  }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& out = context.output(0);
    ConvF32Args args;
    args.shape =
        float_conv_shape(conv_transpose_geometry(attrs_, x.dims, context.input(1).dims, out.dims));
    args.in = x.as<float>();
    args.in_pixel = static_cast<ptrdiff_t>(args.shape.in_channels);
    args.out = out.as<float>();
    args.out_pixel = static_cast<ptrdiff_t>(args.shape.out_channels);
    args.packed = reinterpret_cast<const float*>(packed_.bytes().data());
    if (context.has_input(2)) args.epilogue.bias = context.input(2).as<float>();
    conv_transpose_f32(*variant_.table, args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"conv_transpose_f32", "native", variant_.isa}; }

 private:
  ConvTransposeAttrs attrs_;
  const GemmF32Variant& variant_;
  Tensor packed_;
};

}  // namespace

std::optional<Ports> match_conv_transpose_f32(const LowerContext& context) {
  const DType type = context.input(1).type.dtype;
  const bool real = type == DType::f32 || type == DType::f16 || type == DType::bf16;
  const Tensor* w = context.constant(1);
  if (!real || w == nullptr || w->rank() < 3 || w->rank() > 4 || w->count() == 0 ||
      !conv_transpose_f32_fits(weight_shape(context.attrs<ConvTransposeAttrs>(), w->dims())))
    return std::nullopt;
  Ports ports;
  ports.inputs.resize(context.node().inputs.size());
  ports.inputs[0].layout = Layout::channels_last;
  ports.inputs[1].storage = PortForm::Storage::stored;
  ports.outputs = {{PortForm::Storage::real, Layout::channels_last}};
  return ports;
}

Result<std::unique_ptr<Step>> prepare_conv_transpose_f32(const LowerContext& context) {
  auto step = std::make_unique<ConvTransposeF32>(context, select_gemm_f32(context.cpu()));
  OCTET_RETURN_IF_ERROR(step->pack(context));
  return std::unique_ptr<Step>(std::move(step));
}

}  // namespace octet::ops
