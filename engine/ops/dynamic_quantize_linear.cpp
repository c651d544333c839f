#include "engine/ops/op.h"
#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::ops::dynamic_quantize_linear {
namespace {

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::f32}));
  context.set_tensor(0, DType::u8, context.input(0).shape);
  context.set_tensor(1, DType::f32, Shape{});
  context.set_tensor(2, DType::u8, Shape{});
  return {};
}

class DynamicStep final : public Step {
 public:
  explicit DynamicStep(const kernels::Variant<kernels::QuantizeLinearTable>& variant)
      : variant_(variant) {}
  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    float scale = 1.0F;
    uint8_t zero_point = 0;
    auto* codes = context.output(0).as<uint8_t>();
    variant_.table->dynamic(x.as<float>(), static_cast<size_t>(x.count()), codes, &scale,
                            &zero_point, context.parallel());
    if (context.has_output(1)) *context.output(1).as<float>() = scale;
    if (context.has_output(2)) *context.output(2).as<uint8_t>() = zero_point;
    return {};
  }
  StepInfo info() const override { return {"quantize_linear", "native", variant_.isa}; }

 private:
  const kernels::Variant<kernels::QuantizeLinearTable>& variant_;
};

std::optional<Ports> match(const LowerContext& context) {
  Ports ports;
  ports.inputs = {{.layout = context.input_layout(0)}};
  ports.outputs = {{.layout = context.input_layout(0)}, {}, {}};
  return ports;
}

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(
      std::make_unique<DynamicStep>(kernels::select_quantize_linear(context.cpu())));
}

constexpr Implementation kImplementations[] = {
    {.name = "quantize_linear", .match = match, .prepare = prepare},
};

}  // namespace

extern const OpDef DynamicQuantizeLinear;
const OpDef DynamicQuantizeLinear = {
    .domain = "",
    .name = "DynamicQuantizeLinear",
    .since = 11,
    .inputs = {1, 1},
    .outputs = {3, 3},
    .attrs = attr_codec<NoAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::dynamic_quantize_linear
