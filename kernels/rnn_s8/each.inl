// Calls f(r, p, n) with constant indices over rows, panels and gates. Included inside an anonymous
// namespace.

template <size_t R, size_t P, size_t N, typename F>
inline __attribute__((always_inline)) void each(F f) {
  simd::unroll<R>([&](auto r) __attribute__((always_inline)) {
    simd::unroll<P>([&](auto p) __attribute__((always_inline)) {
      simd::unroll<N>([&](auto n) __attribute__((always_inline)) { f(r, p, n); });
    });
  });
}
