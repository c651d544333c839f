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

// What both rows keep of a node: how A is read and what becomes of sums, as arguments that lack the
// extents and what a run brings.
class Common {
 public:
  Common(const LowerContext& context, const ProductSpec& spec, AccumulatorPlan plan)
      : transpose_b_(spec.transpose_b), plan_(std::move(plan)) {
    const QuantType& a = *context.input_quant(0);
    args_.a_signed = a.storage == DType::s8;
    args_.a_zero = a.tensor_zero_point().v;
    end_with(spec, context.output_quant(0).get());
  }
  Common(const Common&) = delete;
  Common& operator=(const Common&) = delete;

  bool transpose_b() const { return transpose_b_; }
  // Of dense A [m, k], B [k, n] and C.
  GemmS8Args arguments(const RunContext& context, size_t m, size_t n, size_t k) const {
    GemmS8Args args = args_;
    args.m = m;
    args.n = n;
    args.k = k;
    args.a_stride = k;
    args.c_stride = n;
    if (!residual_) return args;
    args.epilogue.residual = context.input(*residual_).as<float>();
    args.epilogue.residual_stride = n;
    return args;
  }

 private:
  void end_with(const ProductSpec& spec, const QuantType* output) {
    GemmS8Epilogue& epilogue = args_.epilogue;
    epilogue.type = gemm_output(output != nullptr ? output->storage : DType::f32);
    epilogue.bias = plan_.bias.empty() ? nullptr : plan_.bias.data();
    epilogue.bias_f32 = plan_.bias_f32.empty() ? nullptr : plan_.bias_f32.data();
    epilogue.multiplier = plan_.multiplier.data();
    epilogue.multiplier_stride = plan_.multiplier.size() == 1 ? 0 : 1;
    epilogue.zero_point = plan_.zero_point;
    if (plan_.curve) {
      epilogue.curve = &*plan_.curve;
    } else if (plan_.codes) {
      epilogue.low = static_cast<int32_t>(plan_.low);
      epilogue.high = static_cast<int32_t>(plan_.high);
    } else if (plan_.finish) {
      finish(spec, output);
    } else {
      epilogue.low_f32 = plan_.low;
      epilogue.high_f32 = plan_.high;
    }
  }

  void finish(const ProductSpec& spec, const QuantType* output) {
    GemmS8Epilogue& epilogue = args_.epilogue;
    residual_ = spec.residual;
    set_float_end(spec.epilogue, nullptr, 0, epilogue);
    if (output == nullptr) return;
    const CodeLimits limits = code_limits(output->storage);
    epilogue.code_scale = output->tensor_scale().v;
    epilogue.zero_point = output->tensor_zero_point().v;
    epilogue.low = limits.low;
    epilogue.high = limits.high;
  }

  GemmS8Args args_;
  std::optional<size_t> residual_;
  bool transpose_b_;
  AccumulatorPlan plan_;  // Which `args_` points into.
};

class ProductS8 final : public Step {
 public:
  ProductS8(const LowerContext& context, const ProductSpec& spec, AccumulatorPlan plan)
      : variant_(select_gemm_s8(context.cpu())), common_(context, spec, std::move(plan)) {}

  Status pack(const LowerContext& context, MatrixExtents extents) {
    const bool swap = common_.transpose_b();
    const CodeBytes codes(*context.constant(1));
    GemmS8Weights weights;
    weights.data = codes.data();
    weights.is_unsigned = context.input_quant(1)->storage == DType::u8;
    weights.k = static_cast<size_t>(swap ? extents.columns : extents.rows);
    weights.n = static_cast<size_t>(swap ? extents.rows : extents.columns);
    weights.row_stride = swap ? 1 : weights.n;
    weights.column_stride = swap ? weights.k : 1;
    k_ = weights.k;
    n_ = weights.n;
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
    GemmS8Args args = common_.arguments(context, rows_of(a), n_, k_);
    args.a = a.data;
    args.packed = packed_.bytes().data();
    args.c = context.output(0).data;
    args.scratch = context.scratch().data();
    gemm_s8(*table_, args, context.parallel());
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    return gemm_s8_scratch_bytes(*table_, rows_of(inputs[0]), k_);
  }
  StepInfo info() const override {
    return {table_ == variant_.table ? "gemm_s8" : "gemm_s8_s4", "native", variant_.isa};
  }

 private:
  // B is one matrix for all of a batch.
  static size_t rows_of(const TensorView& a) {
    size_t rows = 1;
    for (size_t i = 0; i + 1 < a.rank(); ++i) rows *= static_cast<size_t>(a.dims[i]);
    return rows;
  }

  // What a run reads comes first.
  size_t k_ = 0, n_ = 0;
  const Variant<GemmS8Table>& variant_;
  const GemmS8Table* table_ = variant_.table;
  Tensor packed_;
  Common common_;
};

class BatchS8 final : public Step {
 public:
  BatchS8(const LowerContext& context, const ProductSpec& spec, AccumulatorPlan plan)
      : common_(context, spec, std::move(plan)),
        b_unsigned_(context.input_quant(1)->storage == DType::u8),
        b_zero_(context.input_quant(1)->tensor_zero_point().v),
        variant_(select_gemm_s8(context.cpu())) {}

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
    args.gemm = common_.arguments(context, static_cast<size_t>(s.m), static_cast<size_t>(s.n),
                                  static_cast<size_t>(s.k));
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
    return product_shape(a.dims, b.dims, false, common_.transpose_b());
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
  auto step = std::make_unique<ProductS8>(context, spec, *constant_plan(context, spec));
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
      std::make_unique<BatchS8>(context, spec, *batch_plan(context, spec)));
}

}  // namespace octet::ops
