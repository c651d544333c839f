#include "engine/ops/quantize_linear.h"

#include <cmath>

#include "engine/ir/small_float.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/quantize_ports.h"
#include "engine/ops/op.h"
#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::ops::quantize_linear {
namespace {

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<QuantizeLinearAttrs>();
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::f32, DType::f16, DType::bf16, DType::s32}));
  OCTET_RETURN_IF_ERROR(context.require(1, {DType::f32, DType::f16, DType::bf16}));
  OCTET_RETURN_IF_ERROR(check_scale(context, attrs.axis, attrs.block_size));
  if (attrs.output_dtype < 0 || attrs.output_dtype >= kDTypeCount)
    return unsupported("element type {}", attrs.output_dtype);
  DType code = attrs.output_dtype == 0 ? DType::u8 : static_cast<DType>(attrs.output_dtype);
  if (context.has_input(2)) {
    if (attrs.output_dtype != 0 && code != context.dtype(2))
      return invalid_model("output_dtype differs from the zero point's type");
    code = context.dtype(2);
  }
  if (code_limits(code).high == 0 && (!dtype_is_small_float(code) || code == DType::f8e8m0))
    return unsupported("codes of {}", dtype_name(code));
  context.set_tensor(0, code, context.input(0).shape);
  return {};
}

float real_value(const TensorView& x, size_t i) {
  return x.dtype == DType::s32 ? static_cast<float>(x.as<int32_t>()[i]) : x.as<float>()[i];
}

class QuantizeStep final : public Step {
 public:
  QuantizeStep(int64_t axis, const kernels::Variant<kernels::QuantizeLinearTable>& variant)
      : axis_(axis), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    const auto scales = static_cast<size_t>(context.input(1).count());
    const ChannelSplit split = channel_split(x.dims, axis_, scales);
    const CodeLimits limits = code_limits(y.dtype);
    kernels::QuantizeArgs args;
    args.in = x.as<float>();
    args.out = y.data;
    args.type = *kernel_element(y.dtype);
    args.outer = split.outer;
    args.channels = split.channels;
    args.inner = split.inner;
    args.scale = context.input(1).as<float>();
    args.zero_point = widened_zero_points(context, 2, context.scratch());
    args.low = limits.low;
    args.high = limits.high;
    variant_.table->quantize(args, context.parallel());
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
  const auto& attrs = context.attrs<QuantizeLinearAttrs>();
  const DType code = context.output(0).type.dtype;
  const bool real = dtype_is_float(context.input(0).type.dtype);
  if (!real || attrs.block_size != 0 || !kernel_element(code)) return std::nullopt;
  Ports ports;
  const Type& scale = context.input(1).type;
  if (scale.shape && element_count(*scale.shape) == Dim(1)) {
    ports.inputs = {{.layout = context.input_layout(0)}, {}, {}};
    ports.outputs = {{.layout = context.input_layout(0)}};
  }
  return ports;
}

Result<std::unique_ptr<Step>> prepare_kernel(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<QuantizeStep>(
      context.attrs<QuantizeLinearAttrs>().axis, kernels::select_quantize_linear(context.cpu())));
}

// float8 and float4 have no zero point but zero.
Status run_small_floats(const QuantizeLinearAttrs& attrs, const ScaleIndex& index,
                        RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  if (context.has_input(2))
    for (size_t i = 0; i < static_cast<size_t>(context.input(2).count()); ++i)
      if (real_code(context.input(2), i) != 0.0F)
        return unsupported("a zero point of {} that isn't 0", dtype_name(y.dtype));
  for (size_t i = 0; i < static_cast<size_t>(x.count()); ++i) {
    const float value = real_value(x, i) / context.input(1).as<float>()[index(i)];
    write_bits(y.dtype, y.data, i,
               small_float_bits(y.dtype, static_cast<double>(value), attrs.saturate != 0));
  }
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto& a = attrs.as<QuantizeLinearAttrs>();
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const TensorView& scale = context.input(1);
  const ScaleIndex index(x.dims, static_cast<size_t>(scale.count()), a.axis, a.block_size);
  if (dtype_is_small_float(y.dtype)) return run_small_floats(a, index, context);
  const CodeLimits limits = code_limits(y.dtype);
  const auto count = static_cast<size_t>(x.count());
  for (size_t i = 0; i < count; ++i) {
    const size_t at = index(i);
    const auto zero = context.has_input(2) ? read_code(context.input(2), at) : 0;
    const float code =
        std::nearbyint(real_value(x, i) / scale.as<float>()[at]) + static_cast<float>(zero);
    const auto low = static_cast<float>(limits.low);
    const auto high = static_cast<float>(limits.high);
    const bool nan = std::isnan(code);
    write_code(y, i,
               nan ? zero : static_cast<int64_t>(code < low ? low : (code > high ? high : code)));
  }
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "quantize_linear", .match = match_kernel, .prepare = prepare_kernel},
    reference<run>(),
};

}  // namespace

extern const OpDef QuantizeLinear;
const OpDef QuantizeLinear = {
    .domain = "",
    .name = "QuantizeLinear",
    .since = 10,
    .inputs = {2, 3},
    .attrs = attr_codec<QuantizeLinearAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::quantize_linear
