#include <array>
#include <cmath>

#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/quantize_ports.h"
#include "engine/ops/op.h"
#include "kernels/lut_s8/lut_s8.h"
#include "kernels/quantize_linear/quantize_linear.h"

// octet.Quantize: rounds a value to the storage of its output (Value::quant), whatever the input's
// storage is. The real type stays.

namespace octet::ops::quantize {
namespace {

// One 8-bit code to another: what dequantizing and quantizing gives, for each of the 256 codes.
std::array<uint8_t, 256> code_table(const QuantType& from, const QuantType& to) {
  std::array<uint8_t, 256> table{};
  for (size_t i = 0; i < table.size(); ++i) {
    const int32_t code = from.storage == DType::u8 ? static_cast<int32_t>(i)
                                                   : static_cast<int8_t>(static_cast<uint8_t>(i));
    const float real = dequantize(code, from.tensor_scale(), from.tensor_zero_point());
    table[i] = to.storage == DType::u8
                   ? octet::quantize<uint8_t>(real, to.tensor_scale(), to.tensor_zero_point())
                   : static_cast<uint8_t>(
                         octet::quantize<int8_t>(real, to.tensor_scale(), to.tensor_zero_point()));
  }
  return table;
}

class TableStep final : public Step {
 public:
  TableStep(const QuantType& from, const QuantType& to,
            const kernels::Variant<kernels::LutS8Table>& variant)
      : table_(code_table(from, to)), variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    variant_.table->map(reinterpret_cast<const uint8_t*>(x.data),
                        reinterpret_cast<uint8_t*>(context.output(0).data),
                        static_cast<size_t>(x.count()), table_.data(), context.parallel());
    return {};
  }
  StepInfo info() const override { return {"lut_s8", "native", variant_.isa}; }

 private:
  std::array<uint8_t, 256> table_;
  const kernels::Variant<kernels::LutS8Table>& variant_;
};

class QuantizeStep final : public Step {
 public:
  QuantizeStep(const QuantType& to, const kernels::Variant<kernels::QuantizeLinearTable>& variant)
      : storage_(to.storage), axis_(to.axis), variant_(variant) {
    const size_t channels = to.scale.count();
    params_ = channel_params(to, channels);
  }
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const ChannelSplit split = channel_split(x.dims, axis_, params_.scale.size());
    const CodeLimits limits = code_limits(storage_);
    kernels::QuantizeArgs args;
    args.in = x.as<float>();
    args.out = context.output(0).data;
    args.type = *kernel_element(storage_);
    args.outer = split.outer;
    args.channels = split.channels;
    args.inner = split.inner;
    args.scale = params_.scale.data();
    args.zero_point = params_.zero_point.data();
    args.low = limits.low;
    args.high = limits.high;
    variant_.table->quantize(args, context.parallel());
    return {};
  }
  StepInfo info() const override { return {"quantize_linear", "native", variant_.isa}; }

 private:
  DType storage_;
  int axis_;
  ChannelParams params_;
  const kernels::Variant<kernels::QuantizeLinearTable>& variant_;
};

using Storage = PortForm::Storage;

std::optional<Ports> match_table(const LowerContext& context) {
  if (!is_int8_per_tensor(context.input_quant(0)) || !is_int8_per_tensor(context.output_quant(0)))
    return std::nullopt;
  const Layout layout = context.input_layout(0);
  return Ports{{{Storage::stored, layout}}, {{Storage::stored, layout}}};
}

Result<std::unique_ptr<Step>> prepare_table(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<TableStep>(
      *context.input_quant(0), *context.output_quant(0), kernels::select_lut_s8(context.cpu())));
}

std::optional<Ports> match_kernel(const LowerContext& context) {
  const QuantPtr& to = context.output_quant(0);
  if (!to || to->block != 0 || !kernel_element(to->storage) || code_limits(to->storage).high == 0)
    return std::nullopt;
  const Layout layout = to->per_tensor() ? context.input_layout(0) : Layout::row_major;
  return Ports{{{Storage::real, layout}}, {{Storage::stored, layout}}};
}

Result<std::unique_ptr<Step>> prepare_kernel(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<QuantizeStep>(
      *context.output_quant(0), kernels::select_quantize_linear(context.cpu())));
}

// Any storage: 4-bit and blocked.
std::optional<Ports> match_reference(const LowerContext& context) {
  if (!context.output_quant(0)) return std::nullopt;
  return Ports{{{}}, {{Storage::stored, Layout::row_major}}};
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const auto scale = y.quant->scale.to_float();
  const bool has_zero = y.quant->zero_point.dtype() != DType::undefined;
  const auto zero = has_zero ? y.quant->zero_point.to_int64() : std::vector<int64_t>();
  const ScaleIndex index(x.dims, scale.size(), y.quant->axis, y.quant->block);
  const CodeLimits limits = code_limits(y.dtype);
  const auto count = static_cast<size_t>(x.count());
  for (size_t i = 0; i < count; ++i) {
    const size_t at = index(i);
    const auto offset = has_zero ? static_cast<float>(zero[at]) : 0.0F;
    const float code = std::nearbyint(x.as<float>()[i] / scale[at]) + offset;
    const auto low = static_cast<float>(limits.low);
    const auto high = static_cast<float>(limits.high);
    const float kept = std::isnan(code) ? offset : (code < low ? low : (code > high ? high : code));
    write_code(y, i, static_cast<int64_t>(kept));
  }
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "lut_s8", .match = match_table, .prepare = prepare_table},
    {.name = "quantize_linear", .match = match_kernel, .prepare = prepare_kernel},
    {.name = "reference", .match = match_reference, .prepare = prepare_function<run>},
};

}  // namespace

extern const OpDef Quantize;
const OpDef Quantize = {
    .domain = kOctetDomain,
    .name = "Quantize",
    .inputs = {1, 1},
    .infer = infer_same,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::quantize
