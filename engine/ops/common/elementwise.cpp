#include "engine/ops/common/binary.h"
#include "engine/ops/common/walk_runs.h"

namespace octet::elementwise {

bool computes_in_f32(const LowerContext& context) {
  const DType dtype = context.input(0).type.dtype;
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

Status no_type(const RunContext& context, DType dtype) {
  return unsupported("{} of {}", op_name_of(context.node()), dtype_name(dtype));
}

Result<std::unique_ptr<Step>> prepare_kernel_by(const LowerContext& context, StepFunction run) {
  StepInfo info{"elementwise_f32", "native", kernels::select_elementwise_f32(context.cpu()).isa};
  return make_function_step(run, context.node().attrs, std::move(info));
}

std::optional<Ports> match_never(const LowerContext& /*context*/) { return std::nullopt; }

std::optional<Ports> match_unary_kernel(const LowerContext& context) {
  if (!computes_in_f32(context)) return std::nullopt;
  const PortForm form{PortForm::Storage::real, context.input_layout(0)};
  return Ports{{form}, {form}};
}

std::optional<Ports> match_binary_kernel(const LowerContext& context) {
  if (!computes_in_f32(context)) return std::nullopt;
  return match_broadcast_layout(context).value_or(Ports{});
}

Status infer_binary(InferContext& context, bool returns_bool, ElementFunction element) {
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  OCTET_ASSIGN(const auto shape, broadcast_shape(context));
  context.set_tensor(0, returns_bool ? DType::boolean : context.dtype(0), shape);
  if (element != nullptr) infer_elements(context, shape, element);
  return {};
}

void zip_runs(const TensorView& a, const TensorView& b, const TensorView& y, Parallel& parallel,
              ZipRun run) {
  const Nest nest =
      make_nest(y.dims, {steps_of(y), broadcast_steps(a, y.dims), broadcast_steps(b, y.dims)});
  walk_runs(nest, parallel, [&](const Offsets& at, int64_t count) {
    run(at, nest.inner_step(1), nest.inner_step(2), count);
  });
}

void run_kernel(kernels::UnaryF32Args args, const TensorView& x, const TensorView& y,
                RunContext& context) {
  args.x = x.as<float>();
  args.y = y.as<float>();
  args.count = static_cast<size_t>(x.count());
  kernels::unary_f32(*kernels::select_elementwise_f32(context.cpu()).table, args,
                     context.parallel());
}

bool run_kernel(kernels::BinaryF32 function, const TensorView& a, const TensorView& b,
                const TensorView& y, RunContext& context) {
  const Nest nest =
      make_nest(y.dims, {steps_of(y), broadcast_steps(a, y.dims), broadcast_steps(b, y.dims)});
  if (nest.dims.size() > kernels::kBinaryF32Rank) return false;
  kernels::BinaryF32Args args;
  args.function = function;
  args.rank = nest.dims.size();
  for (size_t i = 0; i < args.rank; ++i) {
    args.shape[i] = static_cast<size_t>(nest.dims[i]);
    args.a_stride[i] = nest.steps[1][i];
    args.b_stride[i] = nest.steps[2][i];
  }
  args.a = a.as<float>();
  args.b = b.as<float>();
  args.out = y.as<float>();
  kernels::binary_f32(*kernels::select_elementwise_f32(context.cpu()).table, args,
                      context.parallel());
  return true;
}

QuantSpec quant_follow(const Graph&, const Node&) {
  return {.inputs = {{PortQuant::Role::activation}}, .outputs = {{PortQuant::Role::activation}}};
}

QuantSpec quant_binary(const Graph&, const Node&) {
  const PortQuant activation{PortQuant::Role::activation};
  return {.inputs = {activation, activation}, .outputs = {activation}};
}

}  // namespace octet::elementwise
