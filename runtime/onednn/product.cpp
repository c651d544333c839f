#include "engine/ops/common/product.h"

#include "runtime/onednn/primitive.h"
#include "runtime/plain_f32.h"

namespace octet::runtime::onednn {
namespace {

std::optional<Ports> match(const LowerContext& context) {
  if (!clamp_of(ops::product_spec(context.node()).epilogue)) return std::nullopt;
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
    const int64_t rows = out.count() / n_;
    const int64_t slice = slice_rows(rows, static_cast<int64_t>(context.parallel().width()));
    OCTET_ASSIGN(const auto whole, primitive(slice));
    OCTET_ASSIGN(const auto last, primitive(rows % slice == 0 ? slice : rows % slice));
    const auto slices = static_cast<size_t>((rows + slice - 1) / slice);
    std::mutex mutex;
    Status status;
    context.parallel().for_ranges(slices, 1, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        const int64_t row = static_cast<int64_t>(i) * slice;
        auto done = execute(i + 1 == slices ? *last : *whole, a.as<float>() + row * k_,
                            out.as<float>() + row * n_);
        const std::lock_guard lock(mutex);
        if (!done && status.ok()) status = std::move(done);
      }
    });
    return status;
  }
  StepInfo info() const override { return {"matmul_f32", "onednn", Isa::scalar}; }

 private:
  // oneDNN runs on our threads, each on a slice of the rows; few rows aren't worth cutting.
  static int64_t slice_rows(int64_t rows, int64_t threads) {
    constexpr int64_t kBlock = 16;
    if (rows < 4 * kBlock) return rows;
    return ((rows + threads - 1) / threads + kBlock - 1) / kBlock * kBlock;
  }
  Result<std::shared_ptr<const Primitive>> primitive(int64_t rows) const {
    return primitives_.get({rows}, [&] {
      return make_product({rows, n_, k_}, *clamp_of(spec_.epilogue),
                          {weights_.data(), bias_.empty() ? nullptr : bias_.data()});
    });
  }

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
