#include "engine/ops/common/product.h"

#include "runtime/onednn/primitive.h"
#include "runtime/plain_f32.h"

namespace octet::runtime::onednn {
namespace {

std::optional<Ports> match(const LowerContext& context) {
  if (!attributes(ops::product_spec(context.node()).epilogue)) return std::nullopt;
  return match_plain_product(context);
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
