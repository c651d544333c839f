#include <algorithm>
#include <atomic>

#include "engine/ops/common/activation.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/product.h"
#include "kernels/gemm_f32/gemm_f32.h"

namespace octet::ops {
namespace {

using namespace kernels;

bool widens_to_f32(DType type) {
  return type == DType::f32 || type == DType::f16 || type == DType::bf16;
}

// 4-bit codes that the kernel reads as they are: symmetric, and scaled by groups of whole words
// down the rows, or by column, with ordinary scales.
std::optional<WeightFormat> code_format(const Tensor& b, const QuantType& quant, bool transposed) {
  if (quant.storage != DType::s4) return std::nullopt;
  if (quant.zero_point.dtype() != DType::undefined)
    for (const int64_t zero : quant.zero_point.to_int64())
      if (zero != 0) return std::nullopt;
  for (const float scale : quant.scale.to_float())
    if (!(scale > 0.0F && scale < kCodeScaleLimit)) return std::nullopt;
  const auto rank = static_cast<int>(b.rank());
  const int row_axis = transposed ? rank - 1 : rank - 2;
  if (quant.block > 0) {
    if (quant.axis != row_axis || quant.block % 8 != 0) return std::nullopt;
    return WeightFormat{WeightForm::s4, static_cast<size_t>(quant.block)};
  }
  if (!quant.per_tensor() && quant.axis == row_axis) return std::nullopt;
  const auto k = static_cast<size_t>(b.dims()[static_cast<size_t>(row_axis)]);
  return WeightFormat{WeightForm::s4, (k + 7) / 8 * 8};
}

// The form in which a constant B is packed.
WeightFormat format_of(const Tensor& b, const QuantPtr& quant, bool transposed) {
  if (b.dtype() == DType::f16) return {WeightForm::f16, 0};
  if (quant)
    if (const auto codes = code_format(b, *quant, transposed)) return *codes;
  return {};
}

// Stored weights are read as they are, but where there are enough rows to multiply by and floats
// stay in the caches, widening them takes longer than reading floats: a graph whose stored
// constants would take at most so many bytes as floats keeps its factors in both forms. Few rows
// right after a product of many read floats, too, which are in the caches then: a search by beams
// begins with one row each time. Either form gives the same sums.
constexpr size_t kMostFloatBytes = size_t{8} << 20;
constexpr size_t kRowsForFloats = 4;

bool keeps_floats(const Graph& graph) {
  size_t bytes = 0;
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id)) continue;
    const Tensor* tensor = graph.constant(id);
    if (tensor == nullptr || (tensor->dtype() != DType::f16 && !graph.value(id).quant)) continue;
    bytes += tensor->count() * sizeof(float);
    if (bytes > kMostFloatBytes) return false;
  }
  return true;
}

class ProductF32 final : public Step {
 public:
  ProductF32(const ProductSpec& spec, const GemmF32Variant& variant)
      : spec_(spec), variant_(variant) {}

  // Packs a constant B of one matrix, so that its port is never read.
  Status pack(const LowerContext& context, MatrixExtents extents) {
    const Tensor& b = *context.constant(1);
    const bool swap = spec_.transpose_b;
    const auto k = static_cast<size_t>(swap ? extents.columns : extents.rows);
    const auto n = static_cast<size_t>(swap ? extents.rows : extents.columns);
    format_ = format_of(b, context.input_quant(1), swap);
    const MatrixF32 strides{nullptr, swap ? 1 : extents.columns, swap ? extents.columns : 1};
    const QuantPtr& quant = context.input_quant(1);
    const bool stored = format_.form != WeightForm::f32;
    const auto layout = [&](const char* kernel) {
      PackLayout of_b(kernel, variant_.isa);
      return of_b.with(int64_t{swap}).with(static_cast<int64_t>(format_.group)).with(quant);
    };
    if (stored) {
      const size_t bytes = gemm_f32_packed_bytes(*variant_.table, format_, k, n);
      OCTET_ASSIGN(stored_, context.pack(1, layout(kNames[form()]), bytes, [&](std::byte* packed) {
        pack_stored(b, quant, strides, k, n, packed);
      }));
    }
    if (!stored || keeps_floats(context.graph())) {
      const size_t bytes = gemm_f32_packed_size(*variant_.table, k, n) * sizeof(float);
      OCTET_ASSIGN(floats_, context.pack(1, layout(kNames[0]), bytes, [&](std::byte* packed) {
        pack_floats(real_elements(b, quant), strides, k, n, packed);
      }));
    }
    is_packed_ = true;
    return {};
  }

  Status run(RunContext& context) const override {
    const TensorView& a = context.input(0);
    const TensorView& b = context.input(1);
    const TensorView& out = context.output(0);
    const ProductShape shape = product_shape(a.dims, b.dims, spec_.transpose_a, spec_.transpose_b);
    GemmF32Args args = arguments(shape);
    args.a.data = a.as<float>();
    if (is_packed_)
      choose_form(args);
    else
      args.b.data = b.as<float>();
    args.out = out.as<float>();
    args.scratch = reinterpret_cast<float*>(context.scratch().data());
    if (spec_.addend) set_addend(context.input(*spec_.addend), args.epilogue);
    if (spec_.residual) {
      const float* residual = context.input(*spec_.residual).as<float>();
      const bool before = spec_.epilogue.residual == Epilogue::Residual::before_activation;
      (before ? args.epilogue.addend : args.epilogue.residual) = residual;
    }
    run_batches(shape, args, context.parallel());
    return {};
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    if (is_packed_) return 0;
    const ProductShape shape =
        product_shape(inputs[0].dims, inputs[1].dims, spec_.transpose_a, spec_.transpose_b);
    return gemm_f32_scratch_size(*variant_.table, arguments(shape)) * sizeof(float);
  }

  StepInfo info() const override { return {kNames[form()], "native", variant_.isa}; }

 private:
  static constexpr const char* kNames[] = {"gemm_f32", "gemm_f32_f16", "gemm_f32_s4"};
  size_t form() const { return static_cast<size_t>(format_.form); }

  void pack_floats(const std::vector<float>& values, MatrixF32 b, size_t k, size_t n,
                   std::byte* packed) const {
    SerialParallel serial;
    b.data = values.data();
    gemm_f32_pack(*variant_.table, b, k, n, reinterpret_cast<float*>(packed), serial);
  }

  void pack_stored(const Tensor& b, const QuantPtr& quant, const MatrixF32& strides, size_t k,
                   size_t n, std::byte* packed) const {
    StoredWeights stored;
    stored.data = b.bytes().data();
    stored.row = strides.row;
    stored.column = strides.column;
    std::optional<CodeBytes> codes;
    std::vector<float> scales;
    if (format_.form == WeightForm::s4) {
      codes.emplace(b);
      scales = quant->scale.to_float();
      stored.data = codes->data();
      stored.scales = scales.data();
      const auto groups = static_cast<ptrdiff_t>((k + format_.group - 1) / format_.group);
      const bool by_row = strides.column == 1;
      stored.scale_row = by_row ? static_cast<ptrdiff_t>(n) : 1;
      stored.scale_column = by_row ? 1 : groups;
      if (quant->per_tensor()) stored.scale_row = stored.scale_column = 0;
    }
    gemm_f32_pack_stored(*variant_.table, format_, stored, k, n, packed);
  }

  // Everything but the pointers to data and the form of a packed B.
  GemmF32Args arguments(const ProductShape& shape) const {
    GemmF32Args args;
    args.m = static_cast<size_t>(shape.m);
    args.n = static_cast<size_t>(shape.n);
    args.k = static_cast<size_t>(shape.k);
    args.a = {nullptr, shape.a_row, shape.a_column};
    args.b = {nullptr, shape.b_row, shape.b_column};
    args.out_row = shape.n;
    args.epilogue.alpha = spec_.alpha;
    args.epilogue.activation = kernel_activation(spec_.epilogue);
    args.epilogue.residual_row = shape.n;
    if (spec_.epilogue.residual == Epilogue::Residual::before_activation) {
      args.epilogue.beta = 1.0F;
      args.epilogue.addend_row = shape.n;
    }
    const size_t levels = shape.batch.size();
    if (levels > 0) args.inner = level(shape.batch[levels - 1]);
    if (levels > 1) args.outer = level(shape.batch[levels - 2]);
    return args;
  }

  void choose_form(GemmF32Args& args) const {
    const bool floats =
        format_.form == WeightForm::f32 || (floats_.count() > 0 && reads_floats(args.m));
    args.packed_b = (floats ? floats_ : stored_).bytes().data();
    if (!floats) args.format = format_;
  }

  // Of a B in both forms.
  bool reads_floats(size_t rows) const {
    const bool many = rows >= kRowsForFloats;
    const bool before = many_before_.load(std::memory_order_relaxed);
    if (many != before) many_before_.store(many, std::memory_order_relaxed);
    return many || before;
  }

  static GemmF32Batch level(const BatchAxis& axis) {
    return {static_cast<size_t>(axis.count), axis.a, axis.b, axis.out, axis.out, axis.out};
  }

  void set_addend(const TensorView& addend, GemmF32Epilogue& epilogue) const {
    const AddendStrides strides = addend_strides(addend.dims);
    if (spec_.beta == 1.0F && strides.row == 0 && strides.column == 1) {
      epilogue.bias = addend.as<float>();
      return;
    }
    epilogue.addend = addend.as<float>();
    epilogue.beta = spec_.beta;
    epilogue.addend_row = strides.row;
    epilogue.addend_column = strides.column;
  }

  // The kernel takes the two innermost axes of a batch; those outside are walked here.
  void run_batches(const ProductShape& shape, const GemmF32Args& args, Parallel& parallel) const {
    const size_t walked = shape.batch.size() > 2 ? shape.batch.size() - 2 : 0;
    int64_t count = 1;
    for (size_t i = 0; i < walked; ++i) count *= shape.batch[i].count;
    for (int64_t index = 0; index < count; ++index) {
      GemmF32Args one = args;
      int64_t rest = index;
      for (size_t i = walked; i-- > 0;) {
        const BatchAxis& axis = shape.batch[i];
        const int64_t at = rest % axis.count;
        rest /= axis.count;
        one.a.data += at * axis.a;
        if (one.b.data != nullptr) one.b.data += at * axis.b;
        one.out += at * axis.out;
        if (one.epilogue.residual != nullptr) one.epilogue.residual += at * axis.out;
        if (one.epilogue.addend != nullptr) one.epilogue.addend += at * axis.out;
      }
      gemm_f32(*variant_.table, one, parallel);
    }
  }

  ProductSpec spec_;
  const GemmF32Variant& variant_;
  // A constant B in the form of `format_`, or as floats, or both.
  Tensor stored_, floats_;
  WeightFormat format_;
  bool is_packed_ = false;
  mutable std::atomic<bool> many_before_{false};  // A hint: results don't depend on it.
};

// Whether the kernel's per-column bias can hold the addend, so that its addend is free.
bool is_bias(const Value& value, float beta) {
  const auto& shape = value.type.shape;
  return beta == 1.0F && shape && shape->size() == 1 && (*shape)[0] != Dim(1);
}

}  // namespace

std::optional<Ports> match_product_f32(const LowerContext& context) {
  const ProductSpec spec = product_spec(context.node());
  if (!widens_to_f32(context.input(0).type.dtype)) return std::nullopt;
  const bool before = spec.epilogue.residual == Epilogue::Residual::before_activation;
  const bool free = !spec.addend || is_bias(context.input(*spec.addend), spec.beta);
  if (before && !free) return std::nullopt;
  Ports ports;
  ports.inputs.resize(std::max<size_t>(context.node().inputs.size(), 2));
  if (constant_matrix(context, 1)) ports.inputs[1].storage = PortForm::Storage::stored;
  return ports;
}

Result<std::unique_ptr<Step>> prepare_product_f32(const LowerContext& context) {
  auto step =
      std::make_unique<ProductF32>(product_spec(context.node()), select_gemm_f32(context.cpu()));
  if (const auto extents = constant_matrix(context, 1))
    OCTET_RETURN_IF_ERROR(step->pack(context, *extents));
  return std::unique_ptr<Step>(std::move(step));
}

}  // namespace octet::ops
