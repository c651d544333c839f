#pragma once

#include "engine/ops/common/codes.h"
#include "engine/ops/common/elements.h"
#include "engine/ops/common/elementwise.h"
#include "engine/ops/common/recoded.h"

// Broadcasting operators of two arguments from a function object, as in elementwise.h.

namespace octet::elementwise {

template <typename F, typename Types>
Status run_binary(const Attrs& attrs, RunContext& context) {
  const TensorView& a = context.input(0);
  const TensorView& b = context.input(1);
  const TensorView& y = context.output(0);
  const F f = function_of<F>(attrs);
  if constexpr (kHasKernel<F>) {
    if (a.dtype == DType::f32 && run_kernel(F::kKernel, a, b, y, context)) return {};
  }
  const bool known = visit_dtype(a.dtype, Types{}, [&]<typename T>() {
    using Out = decltype(f(T{}, T{}));
    zip<T, T, Out>(a, b, y, context.parallel(), f);
  });
  return known ? Status{} : no_type(context, a.dtype);
}

template <typename F>
inline constexpr bool kReturnsBool = std::is_same_v<decltype(F{}(1, 1)), bool>;

/// `element` may be null.
Status infer_binary(InferContext& context, bool returns_bool, ElementFunction element);
template <typename F>
Status infer_binary(InferContext& context) {
  ElementFunction element = nullptr;
  if constexpr (requires { &F::element; }) element = F::element;
  return infer_binary(context, kReturnsBool<F>, element);
}

/// For functions with a kernel.
std::optional<Ports> match_binary_kernel(const LowerContext& context);

template <typename F, typename Types>
inline constexpr Implementation kBinaryRows[] = {
    {.name = "elementwise_f32",
     .match = kHasKernel<F> ? match_binary_kernel : match_never,
     .prepare = prepare_kernel<run_binary<F, Types>>},
    {.name = "elementwise",
     .match = match_broadcast_layout,
     .prepare = prepare_function<run_binary<F, Types>>},
    reference<run_binary<F, Types>>(),
};

/// With a row for codes: functions that name theirs as `kCodes`.
template <typename F, typename Types>
inline constexpr Implementation kCodeRows[] = {
    {.name = "elementwise_s8", .match = match_codes, .prepare = prepare_codes<F::kCodes>},
    kBinaryRows<F, Types>[0],
    kBinaryRows<F, Types>[1],
    kBinaryRows<F, Types>[2],
};

/// Functions that take strings too say so by `kStrings`; only what asks for equality can.
template <typename F>
constexpr bool kHasStrings = requires {
  F::kStrings;
};

template <typename F, typename Types>
inline constexpr Implementation kStringRows[] = {
    recoded<run_binary<F, Types>>(),
    kBinaryRows<F, Types>[0],
    kBinaryRows<F, Types>[1],
    kBinaryRows<F, Types>[2],
};

template <typename F>
constexpr bool kHasCodes = requires {
  F::kCodes;
};

template <typename F, typename Types>
constexpr std::span<const Implementation> binary_rows() {
  if constexpr (kHasCodes<F>)
    return kCodeRows<F, Types>;
  else if constexpr (kHasStrings<F>)
    return kStringRows<F, Types>;
  else
    return kBinaryRows<F, Types>;
}

QuantSpec quant_binary(const Graph& graph, const Node& node);

template <typename F, typename Types = NumericTypes>
constexpr OpDef binary_op(std::string_view name) {
  return {.domain = "",
          .name = name,
          .inputs = {2, 2},
          .attrs = codec_of<F>(),
          .infer = infer_binary<F>,
          .alias = {kReturnsBool<F> ? AliasRule::Kind::none : AliasRule::Kind::in_place},
          .quant = kHasCodes<F> ? quant_binary : nullptr,
          .implementations = binary_rows<F, Types>()};
}

}  // namespace octet::elementwise
