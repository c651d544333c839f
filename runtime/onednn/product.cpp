#include "engine/ops/common/product.h"

#include "runtime/onednn/primitive.h"

namespace octet::runtime::onednn {
namespace {

bool float_constant(const LowerContext& context, size_t i) {
  const Tensor* tensor = context.constant(i);
  return tensor != nullptr && tensor->dtype() == DType::f32 && !context.input_quant(i);
}

// A product with a constant matrix B and, if any, a constant row to add.
std::optional<Ports> match(const LowerContext& context) {
  const ops::ProductSpec spec = ops::product_spec(context.node());
  if (spec.transpose_a || spec.alpha != 1.0F || spec.beta != 1.0F || spec.residual)
    return std::nullopt;
  if (!float_constant(context, 1) || context.constant(1)->rank() != 2 || context.output_quant(0))
    return std::nullopt;
  if (spec.addend &&
      (!float_constant(context, *spec.addend) || context.constant(*spec.addend)->rank() != 1 ||
       context.constant(*spec.addend)->count() < 2))
    return std::nullopt;
  const auto& shape = context.input(0).type.shape;
  if (!shape || shape->size() < 2 || !attributes(spec.epilogue)) return std::nullopt;
  const PortForm stored{PortForm::Storage::stored, Layout::row_major};
  return Ports{{PortForm{}, stored}, {PortForm{}}};
}

class Product final : public Step {
 public:
  explicit Product(const LowerContext& context) : spec_(ops::product_spec(context.node())) {
    const Tensor& b = *context.constant(1);
    k_ = b.dims()[spec_.transpose_b ? 1 : 0];
    n_ = b.dims()[spec_.transpose_b ? 0 : 1];
    weights_.resize(b.count());
    const auto k = static_cast<size_t>(k_);
    const auto n = static_cast<size_t>(n_);
    for (size_t i = 0; i < k; ++i)
      for (size_t j = 0; j < n; ++j)
        weights_[i * n + j] = b.as<float>()[spec_.transpose_b ? j * k + i : i * n + j];
    if (spec_.addend) bias_ = context.constant(*spec_.addend)->to_float();
  }

  Status run(RunContext& context) const override {
    const TensorView& a = context.input(0);
    const TensorView& out = context.output(0);
    if (out.count() == 0) return {};
    const ProductDims dims{out.count() / n_, n_, k_};
    OCTET_ASSIGN(const auto primitive, primitives_.get({dims.m}, [&] {
      return make_product(dims, *attributes(spec_.epilogue), weights_, bias_);
    }));
    return execute(*primitive, a.as<float>(), out.as<float>());
  }
  StepInfo info() const override { return {"matmul_f32", "onednn", Isa::scalar}; }

 private:
  ops::ProductSpec spec_;
  int64_t k_ = 0;
  int64_t n_ = 0;
  std::vector<float> weights_;
  std::vector<float> bias_;
  PrimitiveCache primitives_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return std::unique_ptr<Step>(std::make_unique<Product>(context));
}

constexpr Implementation kRow = {
    .name = "matmul_f32", .provider = "onednn", .match = match, .prepare = prepare};

}  // namespace

extern const Implementation MatMul_row;
extern const Implementation Gemm_row;
const Implementation MatMul_row = kRow;
const Implementation Gemm_row = kRow;

}  // namespace octet::runtime::onednn
