#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::cumulative {
namespace {

struct CumulativeAttrs {
  int64_t exclusive = 0;
  int64_t reverse = 0;
  static constexpr auto fields() {
    return std::tuple{field("exclusive", &CumulativeAttrs::exclusive),
                      field("reverse", &CumulativeAttrs::reverse)};
  }
};

Status infer(InferContext& context) {
  context.set_like(0, 0);
  return {};
}

struct SumFunction {
  static constexpr int kFirst = 0;
  template <typename T>
  T operator()(T total, T value) const {
    return static_cast<T>(total + value);
  }
};

struct ProductFunction {
  static constexpr int kFirst = 1;
  template <typename T>
  T operator()(T total, T value) const {
    return static_cast<T>(total * value);
  }
};

template <typename F, typename T>
void accumulate(const T* x, T* y, const AxisCut& cut, const CumulativeAttrs& attrs) {
  StopPoll poll;
  for (size_t row = 0; row < cut.outer * cut.inner; ++row) {
    const size_t base = row / cut.inner * cut.extent * cut.inner + row % cut.inner;
    auto total = static_cast<T>(F::kFirst);
    for (size_t k = 0; k < cut.extent; ++k) {
      const size_t at = base + (attrs.reverse != 0 ? cut.extent - 1 - k : k) * cut.inner;
      const T value = x[at];
      const T before = total;
      poll();
      total = F{}(total, value);
      y[at] = attrs.exclusive != 0 ? before : total;
    }
  }
}

template <typename F>
Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const int64_t given = movement::integers_of(context.input(1)).at(0);
  const auto axis = normalize_axis(given, x.rank());
  if (!axis) return invalid_data("axis {} is outside the rank", given);
  const AxisCut cut = cut_at(x.dims, *axis);
  const bool known = visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() {
    accumulate<F>(x.as<T>(), context.output(0).as<T>(), cut, attrs.as<CumulativeAttrs>());
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(x.dtype));
}

template <typename F>
constexpr Implementation kRows[] = {reference<run<F>>()};

}  // namespace

extern const OpDef CumProd;
extern const OpDef CumSum;
const OpDef CumProd = {.domain = "",
                       .name = "CumProd",
                       .since = 26,
                       .inputs = {2, 2},
                       .attrs = attr_codec<CumulativeAttrs>(),
                       .infer = infer,
                       .implementations = kRows<ProductFunction>};
const OpDef CumSum = {.domain = "",
                      .name = "CumSum",
                      .since = 11,
                      .inputs = {2, 2},
                      .attrs = attr_codec<CumulativeAttrs>(),
                      .infer = infer,
                      .implementations = kRows<SumFunction>};

}  // namespace octet::ops::cumulative
