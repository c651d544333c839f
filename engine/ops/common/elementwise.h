#pragma once

#include <optional>
#include <string>

#include "engine/ops/common/elements.h"
#include "engine/ops/common/lut.h"
#include "engine/ops/common/ports.h"
#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"
#include "kernels/elementwise_f32/elementwise_f32.h"

// Element-wise operators from a function object. One of one argument that has `fields()` is the
// operator's attribute struct as well. A `kKernel` names the float kernel of the same meaning; its
// parameters are the object's `alpha` and `beta` where it has them. `element` is its meaning on the
// integers of shape arithmetic; `kQuantized` says that its ports may be quantized.

namespace octet::elementwise {

/// f(x) for each element; both views lie in the same order.
template <typename In, typename Out, typename F>
void map(const TensorView& x, const TensorView& y, Parallel& parallel, const F& f) {
  const In* from = x.as<In>();
  Out* to = y.as<Out>();
  parallel.for_ranges(static_cast<size_t>(x.count()), kParallelGrain,
                      [&](size_t begin, size_t end) {
                        for (size_t i = begin; i < end; ++i) to[i] = static_cast<Out>(f(from[i]));
                      });
}

/// Part of a row of y: elements of a and b from these offsets on, and the distances between them.
using ZipRun = FunctionRef<void(const Offsets& at, int64_t a_step, int64_t b_step, int64_t count)>;
/// Calls `run` for parts that cover y, over which a and b are broadcast; on any thread.
void zip_runs(const TensorView& a, const TensorView& b, const TensorView& y, Parallel& parallel,
              ZipRun run);

/// f(a, b) with broadcasting to y's dims. Comparisons, of which networks make their masks, have
/// loops of their own for operands that lie together or don't move.
template <typename A, typename B, typename Out, typename F>
void zip(const TensorView& a, const TensorView& b, const TensorView& y, Parallel& parallel,
         const F& f) {
  zip_runs(a, b, y, parallel,
           [&](const Offsets& at, int64_t a_step, int64_t b_step, int64_t count) {
             Out* out = y.as<Out>() + at[0];
             const A* left = a.as<A>() + at[1];
             const B* right = b.as<B>() + at[2];
             if (std::is_same_v<Out, bool> && a_step == 1 && b_step == 1) {
               for (int64_t i = 0; i < count; ++i) out[i] = static_cast<Out>(f(left[i], right[i]));
             } else if (std::is_same_v<Out, bool> && b_step == 0) {
               const B value = *right;
               for (int64_t i = 0; i < count; ++i)
                 out[i] = static_cast<Out>(f(left[i * a_step], value));
             } else {
               for (int64_t i = 0; i < count; ++i)
                 out[i] = static_cast<Out>(f(left[i * a_step], right[i * b_step]));
             }
           });
}

/// The float kernels, over threads.
void run_kernel(kernels::UnaryF32Args args, const TensorView& x, const TensorView& y,
                RunContext& context);
/// False when there are more axes than the kernel can walk.
bool run_kernel(kernels::BinaryF32 function, const TensorView& a, const TensorView& b,
                const TensorView& y, RunContext& context);

Status no_type(const RunContext& context, DType dtype);

template <typename F>
F function_of(const Attrs& attrs) {
  if constexpr (requires { F::fields(); })
    return attrs.as<F>();
  else
    return F{};
}

template <typename F>
constexpr bool kHasKernel = requires {
  F::kKernel;
};

template <typename F>
kernels::UnaryF32Args kernel_args(const F& f) {
  kernels::UnaryF32Args args;
  args.function = F::kKernel;
  if constexpr (requires { f.alpha; }) args.alpha = f.alpha;
  if constexpr (requires { f.beta; }) args.beta = f.beta;
  return args;
}

template <typename F, typename Types>
Status run_unary(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const F f = function_of<F>(attrs);
  if constexpr (kHasKernel<F>) {
    if (x.dtype == DType::f32) {
      run_kernel(kernel_args(f), x, y, context);
      return {};
    }
  }
  const bool known =
      visit_dtype(x.dtype, Types{}, [&]<typename T>() { map<T, T>(x, y, context.parallel(), f); });
  return known ? Status{} : no_type(context, x.dtype);
}

/// The codes of 8-bit ports through a table of f's values.
template <typename F>
Result<std::unique_ptr<Step>> prepare_unary_lut(const LowerContext& context) {
  const F f = function_of<F>(context.node().attrs);
  return make_lut_step(context, [&f](float x) { return static_cast<float>(f(x)); });
}

/// Of a row that isn't there.
std::optional<Ports> match_never(const LowerContext& context);

/// Whether the node computes in float: f16 and bf16 are widened for real ports.
bool computes_in_f32(const LowerContext& context);

/// A row that the float kernels run, told apart so that profiles name the instruction set.
Result<std::unique_ptr<Step>> prepare_kernel_by(const LowerContext& context, StepFunction run);
template <auto Run>
Result<std::unique_ptr<Step>> prepare_kernel(const LowerContext& context) {
  return prepare_kernel_by(context, Run);
}

/// For functions with a kernel.
std::optional<Ports> match_unary_kernel(const LowerContext& context);

template <typename F, typename Types>
inline constexpr Implementation kUnaryRows[] = {
    {.name = "lut_s8", .match = match_lut, .prepare = prepare_unary_lut<F>},
    {.name = "elementwise_f32",
     .match = kHasKernel<F> ? match_unary_kernel : match_never,
     .prepare = prepare_kernel<run_unary<F, Types>>},
    {.name = "elementwise",
     .match = match_keep_layout,
     .prepare = prepare_function<run_unary<F, Types>>},
    reference<run_unary<F, Types>>(),
};

template <typename F>
constexpr AttrCodec codec_of() {
  if constexpr (requires { F::fields(); })
    return attr_codec<F>();
  else
    return attr_codec<NoAttrs>();
}

/// Input and output are calibrated apart: any function that a table holds.
QuantSpec quant_follow(const Graph& graph, const Node& node);

template <typename F>
Status infer_unary(InferContext& context) {
  context.set_like(0, 0);
  if constexpr (requires { &F::element; })
    infer_elements(context, context.input(0).shape, &F::element);
  return {};
}

/// Functions without a meaning on real numbers: no table row.
template <typename F, typename Types>
inline constexpr Implementation kIntegerUnaryRows[] = {
    {.name = "elementwise",
     .match = match_keep_layout,
     .prepare = prepare_function<run_unary<F, Types>>},
    reference<run_unary<F, Types>>(),
};

template <typename F, typename Types>
constexpr OpDef integer_unary_op(std::string_view name) {
  return {.domain = "",
          .name = name,
          .infer = infer_unary<F>,
          .alias = {AliasRule::Kind::in_place},
          .implementations = kIntegerUnaryRows<F, Types>};
}

template <typename F>
constexpr bool kMayQuantize = requires {
  F::kQuantized;
};

template <typename F, typename Types = FloatTypes>
constexpr OpDef unary_op(std::string_view name) {
  return {.domain = "",
          .name = name,
          .attrs = codec_of<F>(),
          .infer = infer_unary<F>,
          .alias = {AliasRule::Kind::in_place},
          .quant = kMayQuantize<F> ? quant_follow : nullptr,
          .implementations = kUnaryRows<F, Types>};
}

}  // namespace octet::elementwise
