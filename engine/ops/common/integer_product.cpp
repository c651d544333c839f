#include "engine/ops/common/integer_product.h"

#include <cmath>

#include "engine/ops/common/accumulator.h"
#include "engine/ops/common/activation.h"
#include "engine/ops/common/code_view.h"
#include "engine/ops/common/dequantize.h"
#include "engine/ops/common/product_s8.h"
#include "engine/ops/common/row_product.h"
#include "engine/ops/matmul.h"
#include "kernels/gemm_s8/matmul_s8.h"

namespace octet::ops {
namespace {

using namespace kernels;

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

ProductShape shape_of(const IntegerProductPorts& ports, std::span<const TensorView> inputs) {
  return product_shape(inputs[ports.a].dims, inputs[ports.b].dims, false, false);
}

// How sums become codes when scales and the output's zero point are constants.
struct Requantization {
  std::vector<float> multiplier;  // of one column or each
  int32_t zero_point = 0;
};

Epilogue epilogue_of(const Node& node) { return node.attrs.as<MatMulAttrs>().epilogue; }

// The node's last input, where the epilogue adds it.
const float* residual_of(const RunContext& context) {
  const bool has = epilogue_of(context.node()).residual != Epilogue::Residual::none;
  return has ? context.input(context.input_count() - 1).as<float>() : nullptr;
}

class IntegerProduct final : public Step {
 public:
  IntegerProduct(const LowerContext& context, const IntegerProductPorts& ports,
                 Requantization requantization)
      : ports_(ports),
        output_(context.output(0).type.dtype),
        requantization_(std::move(requantization)),
        end_(real_end(epilogue_of(context.node()))),
        variant_(select_gemm_s8(context.cpu())),
        rows_(context.cpu()),
        by_row_(context.input(ports.a).type.dtype == DType::f32) {}

  Status pack(const LowerContext& context) {
    const Tensor& b = *context.constant(ports_.b);
    const Tensor* zero_point = context.constant(ports_.b_zero);
    const CodeBytes codes(b);
    std::vector<int32_t> zeros = {0};
    if (zero_point != nullptr) {
      const auto values = zero_point->to_int64();
      zeros.assign(values.begin(), values.end());
    }
    GemmS8Weights weights = weights_of(b.dtype(), b.dims()[b.rank() - 2], b.dims().back());
    weights.data = codes.data();
    weights.zero_point = zeros.data();
    weights.zero_stride = zeros.size() == 1 ? 0 : 1;
    packed_by_ = &gemm_s8_packing(*variant_.table, weights);
    const size_t size = gemm_s8_packed_bytes(*packed_by_, weights.k, weights.n);
    PackLayout layout(packed_by_ == variant_.table ? "gemm_s8" : "gemm_s8_s4", variant_.isa);
    layout.with(int64_t{weights.is_unsigned}).with(int64_t{0}).with(zeros);
    OCTET_ASSIGN(packed_, context.pack(ports_.b, layout, size, [&](std::byte* packed) {
      gemm_s8_pack(*packed_by_, weights, packed);
    }));
    return {};
  }

  Status run(RunContext& context) const override {
    const ProductShape s =
        product_shape(context.input(ports_.a).dims, context.input(ports_.b).dims, false, false);
    if (static_cast<size_t>(s.k) > kGemmS8MaxK)
      return Error{ErrorCode::limit, "a product of depth " + std::to_string(s.k) +
                                         " may leave the range of exact integer sums"};
    std::byte* scratch = context.scratch().data();
    GemmS8Args args = arguments(s, context, reinterpret_cast<int32_t*>(scratch));
    scratch += row_bytes(s);
    if (ports_.scales) {
      scale(context, s, reinterpret_cast<float*>(scratch), args.epilogue);
      scratch += column_bytes(s);
    }
    if (packed_by_ != nullptr) {
      args.a = context.input(ports_.a).data;
      args.packed = packed_.bytes().data();
      args.c = context.output(0).data;
      args.scratch = scratch;
      if (by_row_)
        rows_.run(*packed_by_, args, scratch, context.parallel());
      else
        gemm_s8(*packed_by_, args, context.parallel());
    } else {
      multiply(s, args, context, scratch);
    }
    return {};
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t width) const override {
    const ProductShape s = shape_of(ports_, inputs);
    const auto m = static_cast<size_t>(s.m);
    const auto n = static_cast<size_t>(s.n);
    const auto k = static_cast<size_t>(s.k);
    const size_t parameters = row_bytes(s) + (ports_.scales ? column_bytes(s) : 0);
    if (by_row_) return parameters + rows_.scratch_bytes(*packed_by_, m, k, width);
    if (packed_by_ != nullptr) return parameters + gemm_s8_scratch_bytes(*packed_by_, m, k);
    const auto batch = static_cast<size_t>(s.batch_count());
    return parameters + column_bytes(s) + aligned(3 * batch * sizeof(size_t)) +
           matmul_s8_scratch_bytes(*variant_.table, batch, m, n, k);
  }
  StepInfo info() const override {
    const bool bytes = packed_by_ == variant_.table;
    const char* packed =
        by_row_ ? (bytes ? "gemm_s8_rows" : "gemm_s8_s4_rows") : (bytes ? "gemm_s8" : "gemm_s8_s4");
    return {packed_by_ != nullptr ? packed : "matmul_s8", "native", variant_.isa};
  }

 private:
  static size_t row_bytes(const ProductShape& s) {
    return aligned(static_cast<size_t>(s.m) * sizeof(int32_t));
  }
  static size_t column_bytes(const ProductShape& s) {
    return aligned(static_cast<size_t>(s.n) * sizeof(int32_t));
  }
  static GemmS8Weights weights_of(DType type, int64_t k, int64_t n) {
    GemmS8Weights weights;
    weights.is_unsigned = type == DType::u8;
    weights.k = static_cast<size_t>(k);
    weights.n = static_cast<size_t>(n);
    weights.row_stride = weights.n;
    return weights;
  }

  GemmS8Args arguments(const ProductShape& s, const RunContext& context, int32_t* zeros) const {
    GemmS8Args args;
    args.m = static_cast<size_t>(s.m);
    args.n = static_cast<size_t>(s.n);
    args.k = static_cast<size_t>(s.k);
    args.a_signed = context.input(ports_.a).dtype == DType::s8;
    args.a_stride = args.k;
    args.c_stride = args.n;
    if (!context.has_input(ports_.a_zero) || context.input(ports_.a_zero).count() == 1) {
      args.a_zero = zero_point_at(context, ports_.a_zero);
    } else {
      for (int64_t i = 0; i < s.m; ++i) zeros[i] = zero_point_at(context, ports_.a_zero, i);
      args.a_row_zero = zeros;
    }
    GemmS8Epilogue& e = args.epilogue;
    if (!ports_.requantizes) return args;
    e.type = output_ == DType::u8 ? GemmS8Output::u8 : GemmS8Output::s8;
    e.multiplier = requantization_.multiplier.data();
    e.multiplier_stride = requantization_.multiplier.size() == 1 ? 0 : 1;
    e.zero_point = requantization_.zero_point;
    e.low = output_ == DType::u8 ? 0 : -128;
    e.high = output_ == DType::u8 ? 255 : 127;
    return args;
  }

  // Floats as the graph makes them: a factor rounded from both scales, then the bias added with a
  // rounding of its own, then the node's epilogue.
  void scale(const RunContext& context, const ProductShape& s, float* factors,
             GemmS8Epilogue& e) const {
    const TensorView& b = context.input(ports_.b_scale);
    e.type = GemmS8Output::f32;
    e.multiplier_stride = b.count() == 1 ? 0 : 1;
    if (by_row_) {
      e.multiplier = b.as<float>();
    } else if (const TensorView& a = context.input(ports_.a_scale); a.count() == 1) {
      const auto columns = static_cast<size_t>(b.count() == 1 ? std::min<int64_t>(s.n, 1) : s.n);
      for (size_t j = 0; j < columns; ++j) factors[j] = *a.as<float>() * b.as<float>()[j];
      e.multiplier = factors;
    } else {
      e.multiplier = b.as<float>();
      e.row_scale = a.as<float>();
    }
    if (context.has_input(ports_.bias)) e.addend = context.input(ports_.bias).as<float>();
    e.low_f32 = end_.low;
    e.high_f32 = end_.high;
    if (end_.finish)
      set_float_end(epilogue_of(context.node()), residual_of(context), static_cast<size_t>(s.n), e);
  }

  void multiply(const ProductShape& s, const GemmS8Args& gemm, RunContext& context,
                std::byte* scratch) const {
    const TensorView& b = context.input(ports_.b);
    auto* zeros = reinterpret_cast<int32_t*>(scratch);
    const bool one_zero =
        !context.has_input(ports_.b_zero) || context.input(ports_.b_zero).count() == 1;
    for (int64_t j = 0; j < (one_zero ? std::min<int64_t>(s.n, 1) : s.n); ++j)
      zeros[j] = zero_point_at(context, ports_.b_zero, j);
    auto* offsets = reinterpret_cast<size_t*>(scratch + column_bytes(s));
    const auto batch = static_cast<size_t>(s.batch_count());
    for (size_t i = 0; i < batch; ++i) {
      const BatchAxis at = s.offsets(static_cast<int64_t>(i));
      offsets[i] = static_cast<size_t>(at.a);
      offsets[batch + i] = static_cast<size_t>(at.b);
      offsets[2 * batch + i] = static_cast<size_t>(at.out);
    }
    MatMulS8Args args;
    args.gemm = gemm;
    args.b = weights_of(b.dtype, s.k, s.n);
    args.b.data = b.data;
    args.b.zero_point = s.n > 0 ? zeros : nullptr;
    args.b.zero_stride = one_zero ? 0 : 1;
    args.a = context.input(ports_.a).data;
    args.c = context.output(0).data;
    args.batch = batch;
    args.a_offset = offsets;
    args.b_offset = offsets + batch;
    args.c_offset = offsets + 2 * batch;
    args.scratch = scratch + column_bytes(s) + aligned(3 * batch * sizeof(size_t));
    matmul_s8(*variant_.table, args, context.parallel());
  }

  IntegerProductPorts ports_;
  DType output_;
  Requantization requantization_;
  RealEnd end_;
  const Variant<GemmS8Table>& variant_;
  Tensor packed_;
  const GemmS8Table* packed_by_ = nullptr;  // Null: B isn't packed.
  RowProduct rows_;
  bool by_row_;  // A is real numbers
};

// Nothing when a parameter isn't a constant of the form that kernels take.
std::optional<Requantization> requantization(const LowerContext& context,
                                             const IntegerProductPorts& ports) {
  if (!ports.requantizes) return Requantization{};
  const Tensor* a = context.constant(ports.a_scale);
  const Tensor* b = context.constant(ports.b_scale);
  const Tensor* y = context.constant(ports.y_scale);
  const Tensor* zero = context.constant(ports.y_zero);
  if (a == nullptr || b == nullptr || y == nullptr || zero == nullptr || a->count() != 1 ||
      y->count() != 1 || zero->count() != 1 || b->rank() > 1)
    return std::nullopt;
  Requantization r;
  r.multiplier = b->to_float();
  for (float& m : r.multiplier) m = m * a->to_float()[0] / y->to_float()[0];
  r.zero_point = static_cast<int32_t>(zero->to_int64()[0]);
  return r;
}

bool is_vector(const LowerContext& context, size_t port) {
  if (!context.has_input(port)) return true;
  const auto& shape = context.input(port).type.shape;
  return shape && shape->size() <= 1;
}

bool has_matrices(const LowerContext& context, const IntegerProductPorts& ports) {
  const auto& a = context.input(ports.a).type.shape;
  const auto& b = context.input(ports.b).type.shape;
  return a && b && b->size() >= 2;
}

std::unique_ptr<IntegerProduct> make_step(const LowerContext& context,
                                          const IntegerProductPorts& ports) {
  return std::make_unique<IntegerProduct>(context, ports, *requantization(context, ports));
}

// The sum as the output wants it.
void store_sum(const IntegerProductPorts& ports, const RunContext& context, const BatchAxis& at,
               const ProductShape& s, int64_t i, int64_t j, int32_t sum,
               const std::optional<RowCodes>& rows) {
  const TensorView& out = context.output(0);
  const int64_t to = at.out + i * s.n + j;
  if (!ports.requantizes && !ports.scales) {
    out.as<int32_t>()[to] = sum;
    return;
  }
  const int64_t row = s.k == 0 ? 0 : at.a / s.k + i;
  const int64_t column = s.k == 0 ? 0 : at.b / s.k + j;
  const float scale =
      scale_at(context, ports.b_scale, column) *
      (rows ? rows->scale[static_cast<size_t>(row)] : scale_at(context, ports.a_scale, row));
  if (ports.scales) {
    float value = static_cast<float>(sum) * scale;
    if (context.has_input(ports.bias)) value += context.input(ports.bias).as<float>()[j];
    const float* residual = residual_of(context);
    out.as<float>()[to] = finished(epilogue_of(context.node()), value, residual, to);
    return;
  }
  const int64_t out_row = s.n == 0 ? 0 : at.out / s.n + i;
  const float ratio = scale / scale_at(context, ports.y_scale, out_row);
  // One that isn't finite gives no code in particular.
  const float multiplier = std::isfinite(ratio) ? ratio : 0.0F;
  const ZeroPoint zero{zero_point_at(context, ports.y_zero, out_row)};
  if (out.dtype == DType::u8)
    out.as<uint8_t>()[to] = static_cast<uint8_t>(requantize(sum, multiplier, zero, 0, 255));
  else
    out.as<int8_t>()[to] = static_cast<int8_t>(requantize(sum, multiplier, zero, -128, 127));
}

}  // namespace

std::optional<Ports> match_integer_gemm(const LowerContext& context,
                                        const IntegerProductPorts& ports) {
  const auto extents = constant_matrix(context, ports.b);
  const Tensor* zero = context.constant(ports.b_zero);
  if (!has_matrices(context, ports) || !extents || !requantization(context, ports) ||
      static_cast<size_t>(extents->rows) > kGemmS8MaxK)
    return std::nullopt;
  if (context.has_input(ports.b_zero) &&
      (zero == nullptr ||
       (zero->count() != 1 && static_cast<int64_t>(zero->count()) != extents->columns)))
    return std::nullopt;
  return Ports{};
}

Result<std::unique_ptr<Step>> prepare_integer_gemm(const LowerContext& context,
                                                   const IntegerProductPorts& ports) {
  auto step = make_step(context, ports);
  OCTET_RETURN_IF_ERROR(step->pack(context));
  return std::unique_ptr<Step>(std::move(step));
}

std::optional<Ports> match_integer_matmul(const LowerContext& context,
                                          const IntegerProductPorts& ports) {
  if (context.input(ports.a).type.dtype == DType::f32 || !has_matrices(context, ports) ||
      !requantization(context, ports) || !is_vector(context, ports.a_zero) ||
      !is_vector(context, ports.b_zero) ||
      (ports.scales && (!is_vector(context, ports.a_scale) || !is_vector(context, ports.b_scale))))
    return std::nullopt;
  const auto& b = *context.input(ports.b).type.shape;
  const Dim& depth = b[b.size() - 2];
  if (depth.known() && depth.value() > static_cast<int64_t>(kGemmS8MaxK)) return std::nullopt;
  return Ports{};
}

Result<std::unique_ptr<Step>> prepare_integer_matmul(const LowerContext& context,
                                                     const IntegerProductPorts& ports) {
  return std::unique_ptr<Step>(make_step(context, ports));
}

Status run_integer_product(const IntegerProductPorts& ports, RunContext& context) {
  const TensorView& a = context.input(ports.a);
  const TensorView& b = context.input(ports.b);
  const ProductShape s = product_shape(a.dims, b.dims, false, false);
  std::optional<RowCodes> rows;
  if (a.dtype == DType::f32) rows.emplace(a);
  const auto a_code = [&](int64_t i) -> int32_t {
    return rows ? rows->codes[static_cast<size_t>(i)] : code_at(a, i);
  };
  for (int64_t index = 0; index < s.batch_count(); ++index) {
    const BatchAxis at = s.offsets(index);
    const int64_t row = s.k == 0 ? 0 : at.a / s.k;
    const int64_t column = s.k == 0 ? 0 : at.b / s.k;
    for (int64_t i = 0; i < s.m; ++i) {
      const int32_t a_zero = rows ? rows->zero_point[static_cast<size_t>(row + i)]
                                  : zero_point_at(context, ports.a_zero, row + i);
      for (int64_t j = 0; j < s.n; ++j) {
        const int32_t b_zero = zero_point_at(context, ports.b_zero, column + j);
        int64_t exact = 0;
        for (int64_t k = 0; k < s.k; ++k)
          exact +=
              (a_code(at.a + i * s.k + k) - a_zero) * (code_at(b, at.b + k * s.n + j) - b_zero);
        store_sum(ports, context, at, s, i, j, static_cast<int32_t>(exact), rows);
      }
    }
  }
  return {};
}

}  // namespace octet::ops
