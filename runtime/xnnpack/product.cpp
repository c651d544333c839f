#include "engine/ops/common/product.h"

#include "runtime/plain_f32.h"
#include "runtime/xnnpack/finish.h"
#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {
namespace {

std::optional<Ports> match(const LowerContext& context) {
  const Tensor* b = float_constant(context, 1);
  if (b == nullptr || b->count() == 0) return std::nullopt;
  if (!Finish::takes(ops::product_spec(context.node()).epilogue)) return std::nullopt;
  return match_plain_product(context);
}

class Product final : public Step {
 public:
  explicit Product(const LowerContext& context)
      : spec_(ops::product_spec(context.node())),
        b_(*context.constant(1)),
        finish_(spec_.epilogue, spec_.residual),
        operators_([this](const Dims&) { return make(); }) {
    if (spec_.addend) bias_ = *context.constant(*spec_.addend);
  }

  Status prepare() { return operators_.prepare({}); }

  Status run(RunContext& context) const override {
    const TensorView& a = context.input(0);
    const TensorView& y = context.output(0);
    if (y.count() == 0) return {};
    const auto rows = static_cast<size_t>(a.count() / a.dims.back());
    OCTET_RETURN_IF_ERROR(operators_.with(
        {}, [&](Operator& op) { return run_product(op, rows, floats(a), y.as<float>()); }));
    return finish_.run(context);
  }
  size_t scratch_bytes(std::span<const TensorView> /*inputs*/, std::span<const TensorView> outputs,
                       size_t /*width*/) const override {
    return finish_.scratch_bytes(outputs[0]);
  }
  StepInfo info() const override { return step_info("matmul_f32"); }

 private:
  Result<Operator> make() const {
    const auto rows = static_cast<size_t>(b_.dims()[0]);
    const auto columns = static_cast<size_t>(b_.dims()[1]);
    return make_product({.n = spec_.transpose_b ? rows : columns,
                         .k = spec_.transpose_b ? columns : rows,
                         .weights = b_.as<float>().data(),
                         .bias = bias_ ? bias_->as<float>().data() : nullptr,
                         .by_columns = spec_.transpose_b},
                        finish_.range());
  }

  ops::ProductSpec spec_;
  Tensor b_;
  std::optional<Tensor> bias_;
  Finish finish_;
  Operators operators_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return prepared<Product>(context);
}

constexpr Implementation kRow = {
    .name = "matmul_f32", .provider = "xnnpack", .match = match, .prepare = prepare};

}  // namespace

extern const Implementation MatMul_row;
extern const Implementation Gemm_row;
const Implementation MatMul_row = kRow;
const Implementation Gemm_row = kRow;

}  // namespace octet::runtime::xnnpack
