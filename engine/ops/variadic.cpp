#include "engine/ops/common/binary.h"

// Operators of any number of broadcasting inputs: a fold from the left.

namespace octet::ops::variadic {
namespace {

using elementwise::zip;
using kernels::BinaryF32;

struct MaxFunction {
  static constexpr auto kKernel = BinaryF32::max;
  template <typename T>
  T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    Dim out = x[0];
    for (const Dim& d : x) out = max(out, d);
    return out;
  }
};

struct MinFunction {
  static constexpr auto kKernel = BinaryF32::min;
  template <typename T>
  T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    Dim out = x[0];
    for (const Dim& d : x) out = min(out, d);
    return out;
  }
};

struct SumFunction {
  static constexpr auto kKernel = BinaryF32::add;
  template <typename T>
  T operator()(T a, T b) const {
    return a + b;
  }
};

template <typename F, typename T>
void accumulate(const TensorView& a, const TensorView& b, const TensorView& y,
                RunContext& context) {
  if constexpr (std::is_same_v<T, float>)
    if (elementwise::run_kernel(F::kKernel, a, b, y, context)) return;
  zip<T, T, T>(a, b, y, context.parallel(), F{});
}

template <typename F, typename T>
void fold(RunContext& context) {
  const TensorView& y = context.output(0);
  if (context.input_count() == 1) {
    elementwise::map<T, T>(context.input(0), y, context.parallel(), [](T x) { return x; });
    return;
  }
  accumulate<F, T>(context.input(0), context.input(1), y, context);
  for (size_t i = 2; i < context.input_count(); ++i)
    accumulate<F, T>(y, context.input(i), y, context);
}

template <typename F, typename Types>
Status run(const Attrs& /*attrs*/, RunContext& context) {
  const DType dtype = context.input(0).dtype;
  const bool known = visit_dtype(dtype, Types{}, [&]<typename T>() { fold<F, T>(context); });
  return known ? Status{} : elementwise::no_type(context, dtype);
}

Status run_mean(const Attrs& /*attrs*/, RunContext& context) {
  const DType dtype = context.input(0).dtype;
  const bool known = visit_dtype(dtype, FloatTypes{}, [&]<typename T>() {
    fold<SumFunction, T>(context);
    const auto count = static_cast<T>(context.input_count());
    elementwise::map<T, T>(context.output(0), context.output(0), context.parallel(),
                           [count](T x) { return x / count; });
  });
  return known ? Status{} : elementwise::no_type(context, dtype);
}

template <typename F>
Status infer(InferContext& context) {
  for (size_t i = 1; i < context.input_count(); ++i)
    OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, i));
  OCTET_ASSIGN(const auto shape, broadcast_shape(context));
  context.set_tensor(0, context.dtype(0), shape);
  if constexpr (requires { &F::element; }) infer_elements(context, shape, F::element);
  return {};
}

template <auto Run>
constexpr Implementation kRows[] = {
    {.name = "elementwise_f32", .match = match_broadcast_layout, .prepare = prepare_function<Run>},
    reference<Run>(),
};

template <typename F, auto Run>
constexpr OpDef variadic_op(std::string_view name) {
  return {.domain = "",
          .name = name,
          .inputs = {1, -1},
          .infer = infer<F>,
          .alias = {AliasRule::Kind::in_place},
          .implementations = kRows<Run>};
}

}  // namespace

extern const OpDef Max;
extern const OpDef Mean;
extern const OpDef Min;
extern const OpDef Sum;
const OpDef Max = variadic_op<MaxFunction, run<MaxFunction, NumericTypes>>("Max");
const OpDef Mean = variadic_op<SumFunction, run_mean>("Mean");
const OpDef Min = variadic_op<MinFunction, run<MinFunction, NumericTypes>>("Min");
const OpDef Sum = variadic_op<SumFunction, run<SumFunction, FloatTypes>>("Sum");

}  // namespace octet::ops::variadic
