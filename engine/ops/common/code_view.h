#pragma once

#include <algorithm>

#include "engine/ops/op.h"

namespace octet::ops {

/// Element `i` of a view of u8 or s8 codes.
inline int32_t code_at(const TensorView& view, int64_t i) {
  return view.dtype == DType::s8 ? view.as<int8_t>()[i] : view.as<uint8_t>()[i];
}

/// The zero point that input `i` has for a line (a channel, row or column): one for all, or one
/// each; 0 when the input is absent.
inline int32_t zero_point_at(const RunContext& context, size_t i, int64_t line = 0) {
  if (!context.has_input(i)) return 0;
  const TensorView& view = context.input(i);
  return code_at(view, line % view.count());
}

/// The scale that input `i` has for a line: one for all, or one each.
inline float scale_at(const RunContext& context, size_t i, int64_t line = 0) {
  const TensorView& view = context.input(i);
  return view.as<float>()[line % view.count()];
}

/// Fails unless input `i` is absent or has the dtype of input `codes`, u8 or s8.
inline Status require_codes(const InferContext& context, size_t codes, size_t zero_point) {
  OCTET_RETURN_IF_ERROR(context.require(codes, {DType::u8, DType::s8}));
  if (!context.has_input(zero_point)) return {};
  return context.require_same_dtype(codes, zero_point);
}

/// Fails unless input `i` is absent or has one of `counts` elements, as far as they are known:
/// "B's zero point has 3 elements". Run again for every binding, so kernels may rely on it.
inline Status require_count(const InferContext& context, size_t i, const char* name,
                            std::initializer_list<Dim> counts) {
  if (!context.has_input(i) || !context.has_rank(i)) return {};
  const Dim count = element_count(context.shape(i));
  const bool fits = std::any_of(counts.begin(), counts.end(), [&](const Dim& allowed) {
    return !allowed.known() || allowed == count;
  });
  if (fits || !count.known()) return {};
  return invalid_model("{} has {} elements", name, count.to_string());
}

}  // namespace octet::ops
