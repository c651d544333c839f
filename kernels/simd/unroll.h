#pragma once

namespace octet::kernels::simd {

/// An index as a type, so that an unrolled body has constant subscripts and its arrays live in
/// registers.
template <int kValue>
struct Index {
  static constexpr int value = kValue;
  constexpr operator int() const { return kValue; }
};

/// f(Index<0>{}), f(Index<1>{}), ... f(Index<kCount - 1>{}), without a loop.
template <int kCount, typename F>
static constexpr inline __attribute__((always_inline)) void unroll(F f) {
  if constexpr (kCount > 0) {
    unroll<kCount - 1>(f);
    f(Index<kCount - 1>{});
  }
}

}  // namespace octet::kernels::simd
