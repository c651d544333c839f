#include "engine/ops/common/product_s8.h"

#include "engine/ops/common/accumulator.h"
#include "engine/ops/common/activation.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/product.h"
#include "engine/ops/common/quantize_ports.h"
#include "kernels/gemm_s8/matmul_s8.h"

namespace octet::ops {
namespace {

using namespace kernels;
using Storage = PortForm::Storage;

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// What both rows keep of a node: how A is read and what becomes of sums.
struct Common {
  ProductSpec spec;
  AccumulatorPlan plan;
  QuantPtr output;
  bool a_signed = false;
  int32_t a_zero = 0;

  GemmS8Args arguments(const RunContext& context, const ProductShape& shape) const {
    GemmS8Args args;
    args.m = static_cast<size_t>(shape.m);
    args.n = static_cast<size_t>(shape.n);
    args.k = static_cast<size_t>(shape.k);
    args.a_signed = a_signed;
    args.a_stride = static_cast<size_t>(shape.k);
    args.a_zero = a_zero;
    args.c_stride = static_cast<size_t>(shape.n);
    GemmS8Epilogue& epilogue = args.epilogue;
    epilogue.type = gemm_output(output ? output->storage : DType::f32);
    epilogue.bias = plan.bias.empty() ? nullptr : plan.bias.data();
    epilogue.bias_f32 = plan.bias_f32.empty() ? nullptr : plan.bias_f32.data();
    epilogue.multiplier = plan.multiplier.data();
    epilogue.multiplier_stride = plan.multiplier.size() == 1 ? 0 : 1;
    epilogue.zero_point = plan.zero_point;
    if (plan.curve) {
      epilogue.curve = &*plan.curve;
    } else if (plan.codes) {
      epilogue.low = static_cast<int32_t>(plan.low);
      epilogue.high = static_cast<int32_t>(plan.high);
    } else if (plan.finish) {
      finish(context, args.n, epilogue);
    } else {
      epilogue.low_f32 = plan.low;
      epilogue.high_f32 = plan.high;
    }
    return args;
  }

 private:
  void finish(const RunContext& context, size_t columns, GemmS8Epilogue& epilogue) const {
    set_float_end(spec.epilogue,
                  spec.residual ? context.input(*spec.residual).as<float>() : nullptr, columns,
                  epilogue);
    if (!output) return;
    const CodeLimits limits = code_limits(output->storage);
    epilogue.code_scale = output->tensor_scale().v;
    epilogue.zero_point = output->tensor_zero_point().v;
    epilogue.low = limits.low;
    epilogue.high = limits.high;
  }
};

class ProductS8 final : public Step {
 public:
  ProductS8(Common common, const Variant<GemmS8Table>& variant)
      : common_(std::move(common)), variant_(variant) {}

  Status pack(const LowerContext& context, MatrixExtents extents) {
    const bool swap = common_.spec.transpose_b;
    const CodeBytes codes(*context.constant(1));
    GemmS8Weights weights;
    weights.data = codes.data();
    weights.is_unsigned = context.input_quant(1)->storage == DType::u8;
    weights.k = static_cast<size_t>(swap ? extents.columns : extents.rows);
    weights.n = static_cast<size_t>(swap ? extents.rows : extents.columns);
    weights.row_stride = swap ? 1 : weights.n;
    weights.column_stride = swap ? weights.k : 1;
    const ChannelParams params = channel_params(*context.input_quant(1), weights.n);
    weights.zero_point = params.zero_point.data();
    weights.zero_stride = 1;
    table_ = &gemm_s8_packing(*variant_.table, weights);
    const size_t size = gemm_s8_packed_bytes(*table_, weights.k, weights.n);
    PackLayout layout(info().kernel, variant_.isa);
    layout.with(int64_t{weights.is_unsigned}).with(int64_t{swap}).with(params.zero_point);
    OCTET_ASSIGN(packed_, context.pack(1, layout, size, [&](std::byte* packed) {
      gemm_s8_pack(*table_, weights, packed);
    }));
    return {};
  }

  Status run(RunContext& context) const override {
    const TensorView& a = context.input(0);
    GemmS8Args args = common_.arguments(context, shape(a, context.input(1)));
    args.a = a.data;
    args.packed = packed_.bytes().data();
    args.c = context.output(0).data;
    args.scratch = context.scratch().data();
    gemm_s8(*table_, args, context.parallel());
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    const ProductShape s = shape(inputs[0], inputs[1]);
    return gemm_s8_scratch_bytes(*table_, static_cast<size_t>(s.m), static_cast<size_t>(s.k));
  }
  StepInfo info() const override {
    return {table_ == variant_.table ? "gemm_s8" : "gemm_s8_s4", "native", variant_.isa};
  }

 private:
  ProductShape shape(const TensorView& a, const TensorView& b) const {
    return product_shape(a.dims, b.dims, false, common_.spec.transpose_b);
  }

  Common common_;
  const Variant<GemmS8Table>& variant_;
  const GemmS8Table* table_ = variant_.table;
  Tensor packed_;
};

class BatchS8 final : public Step {
 public:
  BatchS8(Common common, const QuantType& b, const Variant<GemmS8Table>& variant)
      : common_(std::move(common)),
        b_unsigned_(b.storage == DType::u8),
        b_zero_(b.tensor_zero_point().v),
        variant_(variant) {}

  Status run(RunContext& context) const override {
    const ProductShape s = shape(context.input(0), context.input(1));
    if (s.k > kMaxIntegerDepth)
      return Error{ErrorCode::limit, "a product of depth " + std::to_string(s.k) +
                                         " may leave the range of exact integer sums"};
    const auto batch = static_cast<size_t>(s.batch_count());
    std::byte* scratch = context.scratch().data();
    auto* offsets = reinterpret_cast<size_t*>(scratch);
    fill_offsets(s, offsets);
    MatMulS8Args args;
    args.gemm = common_.arguments(context, s);
    args.b.data = context.input(1).data;
    args.b.is_unsigned = b_unsigned_;
    args.b.k = args.gemm.k;
    args.b.n = args.gemm.n;
    args.b.row_stride = static_cast<size_t>(s.b_row);
    args.b.column_stride = static_cast<size_t>(s.b_column);
    args.b.zero_point = &b_zero_;
    args.a = context.input(0).data;
    args.c = context.output(0).data;
    args.batch = batch;
    args.a_offset = offsets;
    args.b_offset = offsets + batch;
    args.c_offset = offsets + 2 * batch;
    args.scratch = scratch + aligned(3 * batch * sizeof(size_t));
    matmul_s8(*variant_.table, args, context.parallel());
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    const ProductShape s = shape(inputs[0], inputs[1]);
    const auto batch = static_cast<size_t>(s.batch_count());
    return aligned(3 * batch * sizeof(size_t)) +
           matmul_s8_scratch_bytes(*variant_.table, batch, static_cast<size_t>(s.m),
                                   static_cast<size_t>(s.n), static_cast<size_t>(s.k));
  }
  StepInfo info() const override { return {"matmul_s8", "native", variant_.isa}; }

 private:
  ProductShape shape(const TensorView& a, const TensorView& b) const {
    return product_shape(a.dims, b.dims, false, common_.spec.transpose_b);
  }
  // Offsets of A, then B, then C, `batch` each.
  static void fill_offsets(const ProductShape& s, size_t* offsets) {
    const auto batch = static_cast<size_t>(s.batch_count());
    for (size_t index = 0; index < batch; ++index) {
      const BatchAxis at = s.offsets(static_cast<int64_t>(index));
      offsets[index] = static_cast<size_t>(at.a);
      offsets[batch + index] = static_cast<size_t>(at.b);
      offsets[2 * batch + index] = static_cast<size_t>(at.out);
    }
  }

  Common common_;
  bool b_unsigned_;
  int32_t b_zero_;
  const Variant<GemmS8Table>& variant_;
};

// Columns and depth of B as the product sees it; nothing when they aren't known.
struct Extents {
  size_t k = 0;
  size_t n = 0;
};
std::optional<Extents> extents_of_b(const LowerContext& context, bool transposed) {
  const auto& shape = context.input(1).type.shape;
  if (!shape || shape->size() < 2) return std::nullopt;
  const auto rows = (*shape)[shape->size() - 2].maybe();
  const auto columns = shape->back().maybe();
  if (!rows || !columns) return std::nullopt;
  const auto k = static_cast<size_t>(transposed ? *columns : *rows);
  return Extents{k, static_cast<size_t>(transposed ? *rows : *columns)};
}

// With a scale for each column or with one for all of them.
std::optional<AccumulatorPlan> plan(const LowerContext& context, const ProductSpec& spec,
                                    const std::vector<float>& b_scale, bool by_column) {
  AccumulatorSpec sums;
  if (by_column) sums.curve = AccumulatorSpec::Curve::kernel;
  sums.epilogue = spec.epilogue;
  sums.scale = b_scale;
  for (float& s : sums.scale) s *= context.input_quant(0)->tensor_scale().v * spec.alpha;
  sums.beta = spec.beta;
  sums.output = context.output_quant(0);
  if (spec.addend) {
    sums.bias = &context.input(*spec.addend);
    const auto& dims = sums.bias->type.shape;
    if (!dims || (dims->size() > 1 && (*dims)[dims->size() - 2] != Dim(1))) return std::nullopt;
  }
  return plan_accumulator(sums);
}

bool sides_fit(const LowerContext& context, const ProductSpec& spec) {
  const auto& a = context.input(0).type.shape;
  return is_int8_per_tensor(context.input_quant(0)) && !spec.transpose_a && spec.alpha > 0.0F &&
         a && is_accumulator_output(context.output(0));
}

Ports ports(const LowerContext& context, const ProductSpec& spec, const AccumulatorPlan& plan) {
  Ports ports;
  ports.inputs.resize(context.node().inputs.size());
  ports.inputs[0].storage = Storage::stored;
  ports.inputs[1].storage = Storage::stored;
  if (spec.addend) ports.inputs[*spec.addend].storage = Storage::stored;
  const bool codes = plan.codes || context.output_quant(0) != nullptr;
  ports.outputs = {{codes ? Storage::stored : Storage::real, Layout::row_major}};
  return ports;
}

Common common(const LowerContext& context, const ProductSpec& spec, AccumulatorPlan accumulator) {
  const QuantType& a = *context.input_quant(0);
  return {spec, std::move(accumulator), context.output_quant(0), a.storage == DType::s8,
          a.tensor_zero_point().v};
}

// The plan of a product with a constant B, or nothing when integers can't run it.
std::optional<AccumulatorPlan> constant_plan(const LowerContext& context, const ProductSpec& spec) {
  const auto extents = extents_of_b(context, spec.transpose_b);
  if (!sides_fit(context, spec) || !constant_matrix(context, 1) || !extents) return std::nullopt;
  const int rank = static_cast<int>(context.constant(1)->rank());
  const QuantPtr& b = context.input_quant(1);
  if (!is_int8_weight(b, rank - (spec.transpose_b ? 2 : 1)) ||
      static_cast<int64_t>(extents->k) > kMaxIntegerDepth)
    return std::nullopt;
  return plan(context, spec, channel_params(*b, extents->n).scale, true);
}

// The same for a B that is an activation, whose columns share one scale. Its depth may be unknown
// here; the step checks it.
std::optional<AccumulatorPlan> batch_plan(const LowerContext& context, const ProductSpec& spec) {
  const auto& b = context.input_quant(1);
  const auto& shape = context.input(1).type.shape;
  if (!sides_fit(context, spec) || !is_int8_per_tensor(b) || !shape || shape->size() < 2)
    return std::nullopt;
  const Dim& depth = (*shape)[shape->size() - (spec.transpose_b ? 1 : 2)];
  if (spec.addend || (depth.known() && depth.value() > kMaxIntegerDepth)) return std::nullopt;
  return plan(context, spec, {b->tensor_scale().v}, false);
}

}  // namespace

void set_float_end(const Epilogue& epilogue, const float* residual, size_t columns,
                   GemmS8Epilogue& kernel) {
  kernel.activation = kernel_activation(epilogue);
  kernel.residual = residual;
  kernel.residual_stride = columns;
  kernel.residual_last = epilogue.residual == Epilogue::Residual::after_activation;
}

std::optional<Ports> match_product_s8(const LowerContext& context) {
  const ProductSpec spec = product_spec(context.node());
  const auto accumulator = constant_plan(context, spec);
  if (!accumulator) return std::nullopt;
  return ports(context, spec, *accumulator);
}

Result<std::unique_ptr<Step>> prepare_product_s8(const LowerContext& context) {
  const ProductSpec spec = product_spec(context.node());
  auto step = std::make_unique<ProductS8>(common(context, spec, *constant_plan(context, spec)),
                                          select_gemm_s8(context.cpu()));
  OCTET_RETURN_IF_ERROR(step->pack(context, *constant_matrix(context, 1)));
  return std::unique_ptr<Step>(std::move(step));
}

std::optional<Ports> match_batch_s8(const LowerContext& context) {
  const ProductSpec spec = product_spec(context.node());
  const auto accumulator = batch_plan(context, spec);
  if (!accumulator) return std::nullopt;
  return ports(context, spec, *accumulator);
}

Result<std::unique_ptr<Step>> prepare_batch_s8(const LowerContext& context) {
  const ProductSpec spec = product_spec(context.node());
  return std::unique_ptr<Step>(
      std::make_unique<BatchS8>(common(context, spec, *batch_plan(context, spec)),
                                *context.input_quant(1), select_gemm_s8(context.cpu())));
}

}  // namespace octet::ops
