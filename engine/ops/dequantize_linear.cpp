#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/quantize_ports.h"
#include "engine/ops/op.h"
#include "engine/ops/quantize_linear.h"
#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::ops::dequantize_linear {
namespace {

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<DequantizeLinearAttrs>();
  OCTET_RETURN_IF_ERROR(
      context.require(0, {DType::u8, DType::s8, DType::u16, DType::s16, DType::s32, DType::u4,
                          DType::s4, DType::u2, DType::s2, DType::f8e4m3fn, DType::f8e4m3fnuz,
                          DType::f8e5m2, DType::f8e5m2fnuz, DType::f4e2m1}));
  OCTET_RETURN_IF_ERROR(context.require(1, {DType::f32, DType::f16, DType::bf16}));
  if (context.has_input(2)) OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 2));
  OCTET_RETURN_IF_ERROR(check_scale(context, attrs.axis, attrs.block_size));
  if (attrs.output_dtype < 0 || attrs.output_dtype >= kDTypeCount)
    return unsupported("element type {}", attrs.output_dtype);
  const DType real =
      attrs.output_dtype == 0 ? context.dtype(1) : static_cast<DType>(attrs.output_dtype);
  if (real != DType::f32 && real != DType::f16 && real != DType::bf16)
    return unsupported("values of {}", dtype_name(real));
  context.set_tensor(0, real, context.input(0).shape);
  return {};
}

class DequantizeStep final : public Step {
 public:
  DequantizeStep(int64_t axis, const kernels::Variant<kernels::QuantizeLinearTable>& variant)
      : axis_(axis), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const auto scales = static_cast<size_t>(context.input(1).count());
    const ChannelSplit split = channel_split(x.dims, axis_, scales);
    kernels::DequantizeArgs args;
    args.in = x.data;
    args.type = *kernel_element(x.dtype);
    args.out = context.output(0).as<float>();
    args.outer = split.outer;
    args.channels = split.channels;
    args.inner = split.inner;
    args.scale = context.input(1).as<float>();
    args.zero_point = widened_zero_points(context, 2, context.scratch());
    variant_.table->dequantize(args, context.parallel());
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    return static_cast<size_t>(inputs[1].count()) * sizeof(int32_t);
  }
  StepInfo info() const override { return {"quantize_linear", "native", variant_.isa}; }

 private:
  int64_t axis_;
  const kernels::Variant<kernels::QuantizeLinearTable>& variant_;
};

std::optional<Ports> match_kernel(const LowerContext& context) {
  const auto& attrs = context.attrs<DequantizeLinearAttrs>();
  if (attrs.block_size != 0 || !kernel_element(context.input(0).type.dtype)) return std::nullopt;
  Ports ports;
  const Type& scale = context.input(1).type;
  if (scale.shape && element_count(*scale.shape) == Dim(1)) {
    ports.inputs = {{.layout = context.input_layout(0)}, {}, {}};
    ports.outputs = {{.layout = context.input_layout(0)}};
  }
  return ports;
}

Result<std::unique_ptr<Step>> prepare_kernel(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<DequantizeStep>(
      context.attrs<DequantizeLinearAttrs>().axis, kernels::select_quantize_linear(context.cpu())));
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto& a = attrs.as<DequantizeLinearAttrs>();
  const TensorView& x = context.input(0);
  const TensorView& scale = context.input(1);
  const ScaleIndex index(x.dims, static_cast<size_t>(scale.count()), a.axis, a.block_size);
  const auto count = static_cast<size_t>(x.count());
  for (size_t i = 0; i < count; ++i) {
    const size_t at = index(i);
    if (dtype_is_small_float(x.dtype)) {
      const float zero = context.has_input(2) ? real_code(context.input(2), at) : 0.0F;
      context.output(0).as<float>()[i] = (real_code(x, i) - zero) * scale.as<float>()[at];
      continue;
    }
    const int64_t zero = context.has_input(2) ? read_code(context.input(2), at) : 0;
    context.output(0).as<float>()[i] =
        static_cast<float>(read_code(x, i) - zero) * scale.as<float>()[at];
  }
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "quantize_linear", .match = match_kernel, .prepare = prepare_kernel},
    reference<run>(),
};

}  // namespace

extern const OpDef DequantizeLinear;
const OpDef DequantizeLinear = {
    .domain = "",
    .name = "DequantizeLinear",
    .since = 10,
    .inputs = {2, 3},
    .attrs = attr_codec<DequantizeLinearAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::dequantize_linear
