#include "engine/ops/common/lut.h"

#include <array>

#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

namespace octet {
namespace {

using Table = std::array<uint8_t, 256>;

bool eight_bit_codes(const QuantPtr& quant) {
  return quant && quant->per_tensor() &&
         (quant->storage == DType::u8 || quant->storage == DType::s8);
}

uint8_t code_of(float value, const QuantType& quant) {
  if (quant.storage == DType::u8)
    return quantize<uint8_t>(value, quant.tensor_scale(), quant.tensor_zero_point());
  return static_cast<uint8_t>(
      quantize<int8_t>(value, quant.tensor_scale(), quant.tensor_zero_point()));
}

float value_of(uint8_t code, const QuantType& quant) {
  if (quant.storage == DType::u8)
    return dequantize(code, quant.tensor_scale(), quant.tensor_zero_point());
  return dequantize(static_cast<int8_t>(code), quant.tensor_scale(), quant.tensor_zero_point());
}

class LutStep final : public Step {
 public:
  LutStep(const Table& table, StepInfo info) : table_(table), info_(std::move(info)) {}
  Status run(RunContext& context) const override {
    const auto* x = reinterpret_cast<const uint8_t*>(context.input(0).data);
    auto* y = reinterpret_cast<uint8_t*>(context.output(0).data);
    context.parallel().for_ranges(static_cast<size_t>(context.input(0).count()), kParallelGrain,
                                  [&](size_t begin, size_t end) {
                                    for (size_t i = begin; i < end; ++i) y[i] = table_[x[i]];
                                  });
    return {};
  }
  StepInfo info() const override { return info_; }

 private:
  Table table_;
  StepInfo info_;
};

}  // namespace

std::optional<Ports> match_lut(const LowerContext& context) {
  if (!eight_bit_codes(context.input_quant(0)) || !eight_bit_codes(context.output_quant(0)))
    return std::nullopt;
  const PortForm form{PortForm::Storage::stored, context.input_layout(0)};
  return Ports{{form}, {form}};
}

std::unique_ptr<Step> make_lut_step(const LowerContext& context, FunctionRef<float(float)> f) {
  Table table;
  for (size_t code = 0; code < table.size(); ++code)
    table[code] = code_of(f(value_of(static_cast<uint8_t>(code), *context.input_quant(0))),
                          *context.output_quant(0));
  return std::make_unique<LutStep>(table, StepInfo{"lut_s8", "native", Isa::scalar});
}

}  // namespace octet
