#include "engine/ops/common/codes.h"

#include "engine/ops/common/lut.h"
#include "engine/ops/common/ports.h"
#include "engine/ops/common/strided.h"

namespace octet {
namespace {

using kernels::ElementwiseS8Args;
using kernels::ElementwiseS8Input;

ElementwiseS8Input operand(const QuantType& quant, float multiplier) {
  ElementwiseS8Input input;
  input.is_signed = quant.storage == DType::s8;
  input.zero_point = quant.tensor_zero_point().v;
  input.multiplier = multiplier;
  return input;
}

class CodeStep final : public Step {
 public:
  CodeStep(const ElementwiseS8Args& args, CodeFunction function,
           const kernels::Variant<kernels::ElementwiseS8Table>& kernel)
      : args_(args), isa_(kernel.isa) {
    const auto& table = *kernel.table;
    kernel_ = function == CodeFunction::add   ? table.add
              : function == CodeFunction::sub ? table.sub
                                              : table.mul;
  }

  Status run(RunContext& context) const override {
    const TensorView& a = context.input(0);
    const TensorView& b = context.input(1);
    const TensorView& y = context.output(0);
    const Nest nest =
        make_nest(y.dims, {steps_of(y), broadcast_steps(a, y.dims), broadcast_steps(b, y.dims)});
    const size_t axes = nest.dims.size();
    if (!unit(nest.inner_step(1)) || !unit(nest.inner_step(2))) return run_elements(nest, context);
    ElementwiseS8Args args = args_;
    args.columns = static_cast<size_t>(nest.inner());
    args.a.column_stride = static_cast<size_t>(nest.inner_step(1));
    args.b.column_stride = static_cast<size_t>(nest.inner_step(2));
    if (axes > 1) {
      args.rows = static_cast<size_t>(nest.dims[axes - 2]);
      args.a.row_stride = static_cast<size_t>(nest.steps[1][axes - 2]);
      args.b.row_stride = static_cast<size_t>(nest.steps[2][axes - 2]);
    }
    if (args.rows * args.columns == 0) return {};
    const auto blocks = nest.rows() / static_cast<int64_t>(args.rows);
    for (int64_t block = 0; block < blocks; ++block) {
      const Offsets at = nest.row_offsets(block * static_cast<int64_t>(args.rows));
      call(args, context, at, context.parallel());
    }
    return {};
  }
  StepInfo info() const override { return {"elementwise_s8", "native", isa_}; }

 private:
  static bool unit(int64_t step) { return step == 0 || step == 1; }

  void call(ElementwiseS8Args& args, RunContext& context, const Offsets& at,
            Parallel& parallel) const {
    args.out = context.output(0).data + at[0];
    args.a.data = context.input(0).data + at[1];
    args.b.data = context.input(1).data + at[2];
    kernel_(args, parallel);
  }

  // Inputs in another order than the output's: one element at a time.
  Status run_elements(const Nest& nest, RunContext& context) const {
    for_each_run(nest, context.parallel(), [&](const Offsets& at, int64_t count) {
      SerialParallel serial;
      ElementwiseS8Args args = args_;
      args.columns = 1;
      for (int64_t i = 0; i < count; ++i)
        call(args, context,
             {at[0] + i, at[1] + i * nest.inner_step(1), at[2] + i * nest.inner_step(2)}, serial);
    });
    return {};
  }

  ElementwiseS8Args args_;
  void (*kernel_)(const ElementwiseS8Args&, Parallel&) = nullptr;
  Isa isa_;
};

}  // namespace

std::optional<Ports> match_codes(const LowerContext& context) {
  for (size_t i = 0; i < 2; ++i)
    if (!eight_bit_codes(context.input_quant(i))) return std::nullopt;
  if (!eight_bit_codes(context.output_quant(0))) return std::nullopt;
  Ports ports = match_broadcast_layout(context).value_or(Ports{{PortForm{}, PortForm{}}, {{}}});
  for (PortForm& form : ports.inputs) form.storage = PortForm::Storage::stored;
  for (PortForm& form : ports.outputs) form.storage = PortForm::Storage::stored;
  return ports;
}

std::unique_ptr<Step> make_code_step(const LowerContext& context, CodeFunction function) {
  const QuantType& a = *context.input_quant(0);
  const QuantType& b = *context.input_quant(1);
  const QuantType& y = *context.output_quant(0);
  const float scale = y.tensor_scale().v;
  const float a_scale = a.tensor_scale().v;
  const float b_scale = b.tensor_scale().v;
  const bool product = function == CodeFunction::mul;
  ElementwiseS8Args args;
  args.a = operand(a, product ? a_scale * b_scale / scale : a_scale / scale);
  args.b = operand(b, b_scale / scale);
  args.out_signed = y.storage == DType::s8;
  args.zero_point = y.tensor_zero_point().v;
  args.low = args.out_signed ? -128 : 0;
  args.high = args.out_signed ? 127 : 255;
  return std::make_unique<CodeStep>(args, function, kernels::select_elementwise_s8(context.cpu()));
}

}  // namespace octet
