// s16 x s8 sums by vpdpbusd, over the including file's Dot: a code is 256 * high + low, low the
// code's low byte, high + 128 unsigned; 128 * sum of the weights comes off. Included inside an
// anonymous namespace.
//
// State: uint8_t low[hidden rounded up to 64], uint8_t high[as many].

template <typename V>
struct DotsVnni {
  static void store(void* state, size_t hidden, size_t begin, typename V::Int codes) {
    auto* low = static_cast<uint8_t*>(state);
    V::store_bytes(low + begin, V::kLanes, codes);
    V::store_bytes(low + ceil_div(hidden, 64) * 64 + begin, V::kLanes,
                   V::add(V::shift_right(codes, 8), V::set_int(128)));
  }

  template <size_t R, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t stride, size_t hidden, const void* const (&states)[R],
      size_t begin, size_t end, const int32_t* sums, typename V::Int (&out)[R][N]) {
    const size_t high_offset = ceil_div(hidden, 64) * 64;
    typename V::Int low[R][N], high[R][N];
#pragma GCC unroll 2
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t n = 0; n < N; ++n) low[r][n] = high[r][n] = V::zero_int();
    for (size_t g = begin; g < end; ++g) {
      typename V::Int w[N];
#pragma GCC unroll 4
      for (size_t n = 0; n < N; ++n) w[n] = Dot::load(weights + g * stride + n * V::kLanes * 4);
#pragma GCC unroll 2
      for (size_t r = 0; r < R; ++r) {
        const uint8_t* code = static_cast<const uint8_t*>(states[r]) + g * 4;
        const typename V::Int l = Dot::broadcast_load(code);
        const typename V::Int h = Dot::broadcast_load(code + high_offset);
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n) {
          low[r][n] = Dot::dot(low[r][n], l, w[n]);
          high[r][n] = Dot::dot(high[r][n], h, w[n]);
        }
      }
    }
#pragma GCC unroll 2
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t n = 0; n < N; ++n) {
        const typename V::Int offset =
            V::shift_left(V::load_int(sums + n * V::kLanes, V::kLanes), 7);
        out[r][n] = V::add(V::shift_left(V::subtract(high[r][n], offset), 8), low[r][n]);
      }
  }
};
