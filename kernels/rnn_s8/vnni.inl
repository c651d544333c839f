// s16 x s8 sums by vpdpbusd, over the including file's Dot and
//   kVnniRows, kVnniVectors: rows and vectors of units at a time
//   kVnniGroups: groups of k in a turn of the loop
//   kVnniAhead: how many bytes ahead a single row asks for weights
// A code is 256 * high + low, low the code's low byte, high + 128 unsigned; 128 * sum of the
// weights comes off. Included inside an anonymous namespace.
//
// State: uint8_t low[hidden rounded up to 64], uint8_t high[as many].

// Bytes of weights that the first-level cache holds.
constexpr size_t kNearestWeights = size_t{3} << 14;

template <typename V>
struct DotsVnni {
  static constexpr size_t kRows = kVnniRows, kVectors = kVnniVectors;

  static void store(void* state, size_t hidden, size_t begin, typename V::Int codes) {
    auto* low = static_cast<uint8_t*>(state);
    V::store_bytes(low + begin, V::kLanes, codes);
    V::store_bytes(low + ceil_div(hidden, 64) * 64 + begin, V::kLanes,
                   V::add(V::shift_right(codes, 8), V::set_int(128)));
  }

  // Wraps where the part does; low + 256 * high does not.
  static typename V::Int corrected(typename V::Int acc, const int32_t* weight_sums) {
    const typename V::Int offset = V::shift_left(V::load_int(weight_sums, V::kLanes), 7 + 8);
    return V::subtract(acc, offset);
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t hidden,
      const void* const (&states)[R], size_t begin, size_t end, typename V::Int (&out)[R][P][N]) {
    const size_t high_offset = ceil_div(hidden, 64) * 64;
    typename V::Int low[R][P][N], high[R][P][N];
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n) low[r][p][n] = high[r][p][n] = V::zero_int();
    const auto step = [&]<bool kAsks>(size_t g) __attribute__((always_inline)) {
      typename V::Int w[P][N];
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n) {
          const uint8_t* from = weights + p * vector_step + g * group_step + n * V::kLanes * 4;
          if (kAsks && n * V::kLanes * 4 % 64 == 0)
            _mm_prefetch(reinterpret_cast<const char*>(from + kVnniAhead), _MM_HINT_T0);
          w[p][n] = Dot::load_in_order(from);
        }
#pragma GCC unroll 4
      for (size_t r = 0; r < R; ++r) {
        const uint8_t* code = static_cast<const uint8_t*>(states[r]) + g * 4;
        const typename V::Int l = Dot::broadcast_load(code);
        const typename V::Int h = Dot::broadcast_load(code + high_offset);
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
          for (size_t n = 0; n < N; ++n) {
            low[r][p][n] = Dot::dot(low[r][p][n], l, w[p][n]);
            high[r][p][n] = Dot::dot(high[r][p][n], h, w[p][n]);
          }
      }
    };
    const auto steps = [&]<bool kAsks>() __attribute__((always_inline)) {
      size_t g = begin;
      for (; g + kVnniGroups <= end; g += kVnniGroups)
#pragma GCC unroll 4
        for (size_t i = 0; i < kVnniGroups; ++i) step.template operator()<kAsks>(g + i);
      for (; g < end; ++g) step.template operator()<kAsks>(g);
    };
    // A single row reads weights faster than the caches further out send them unasked.
    if (R == 1 && vector_step / (V::kLanes * 4) * hidden * hidden > kNearestWeights)
      steps.template operator()<R == 1>();
    else
      steps.template operator()<false>();
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n)
          out[r][p][n] = V::add(V::shift_left(high[r][p][n], 8), low[r][p][n]);
  }
};
