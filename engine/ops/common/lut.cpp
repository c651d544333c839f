#include "engine/ops/common/lut.h"

#include <array>

#include "engine/ops/op.h"
#include "kernels/lut_s8/lut_s8.h"

namespace octet {
namespace {

using Table = std::array<uint8_t, 256>;

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
  LutStep(const Table& table, const kernels::Variant<kernels::LutS8Table>& kernel)
      : table_(table), kernel_(kernel) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    kernel_.table->map(reinterpret_cast<const uint8_t*>(x.data),
                       reinterpret_cast<uint8_t*>(context.output(0).data),
                       static_cast<size_t>(x.count()), table_.data(), context.parallel());
    return {};
  }
  StepInfo info() const override { return {"lut_s8", "native", kernel_.isa}; }

 private:
  Table table_;
  kernels::Variant<kernels::LutS8Table> kernel_;
};

}  // namespace

bool eight_bit_codes(const QuantPtr& quant) {
  return quant && quant->per_tensor() &&
         (quant->storage == DType::u8 || quant->storage == DType::s8);
}

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
  return std::make_unique<LutStep>(table, kernels::select_lut_s8(context.cpu()));
}

}  // namespace octet
