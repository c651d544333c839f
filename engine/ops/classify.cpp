#include <cmath>

#include "engine/ops/common/elementwise.h"

namespace octet::ops::classify {
namespace {

struct IsInfAttrs {
  int64_t detect_negative = 1;
  int64_t detect_positive = 1;
  static constexpr auto fields() {
    return std::tuple{field("detect_negative", &IsInfAttrs::detect_negative),
                      field("detect_positive", &IsInfAttrs::detect_positive)};
  }
  template <typename T>
  bool operator()(T x) const {
    return std::isinf(x) && (x < T{} ? detect_negative : detect_positive) != 0;
  }
};

struct IsNanFunction {
  template <typename T>
  bool operator()(T x) const {
    return std::isnan(x);
  }
};

Status infer(InferContext& context) {
  context.set_tensor(0, DType::boolean, context.input(0).shape);
  return {};
}

template <typename F>
Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const F f = elementwise::function_of<F>(attrs);
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    elementwise::map<T, bool>(x, context.output(0), context.parallel(), f);
  });
  return known ? Status{} : elementwise::no_type(context, x.dtype);
}

template <typename F>
constexpr Implementation kRows[] = {reference<run<F>>()};

}  // namespace

extern const OpDef IsInf;
extern const OpDef IsNaN;
const OpDef IsInf = {.domain = "",
                     .name = "IsInf",
                     .since = 10,
                     .attrs = attr_codec<IsInfAttrs>(),
                     .infer = infer,
                     .implementations = kRows<IsInfAttrs>};
const OpDef IsNaN = {.domain = "",
                     .name = "IsNaN",
                     .since = 9,
                     .infer = infer,
                     .implementations = kRows<IsNanFunction>};

}  // namespace octet::ops::classify
