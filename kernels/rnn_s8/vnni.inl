// Sums of a state's codes times s8 weights by vpdpbusd, over the including file's Dot and
//   kVnniRows, kVnniVectors: rows (of codes of two bytes) and vectors of units at a time
//   kVnniGroups: groups of k in a turn of the loop
//   kVnniAhead: how many bytes ahead a single row asks for weights
// The highest byte of a code has 128 added, and 128 * sum of the weights comes off. Included inside
// an anonymous namespace.
//
// State: a plane uint8_t[hidden rounded up to 64] for each byte of a code, the lowest first.

// Bytes of weights that the first-level cache holds.
constexpr size_t kNearestWeights = size_t{3} << 14;

template <typename V, typename CodesType>
struct DotsVnni {
  using Codes = CodesType;
  static constexpr size_t kBytes = Codes::kBytes, kHighest = kBytes - 1;
  static constexpr size_t kRows = kVnniRows * 2 / kBytes, kVectors = kVnniVectors;

  static size_t plane_bytes(size_t hidden) { return ceil_div(hidden, 64) * 64; }
  static size_t state_bytes(size_t hidden) { return kBytes * plane_bytes(hidden); }

  static void store(void* state, size_t hidden, size_t begin, typename V::Int codes) {
    auto* low = static_cast<uint8_t*>(state) + begin;
    if constexpr (kBytes == 2) V::store_bytes(low, V::kLanes, codes);
    V::store_bytes(low + kHighest * plane_bytes(hidden), V::kLanes,
                   V::add(V::shift_right(codes, kHighest * 8), V::set_int(128)));
  }

  // Wraps where a part does; the whole does not.
  static typename V::Int corrected(typename V::Int acc, const int32_t* weight_sums) {
    const typename V::Int sums = V::load_int(weight_sums, V::kLanes);
    return V::subtract(acc, V::shift_left(sums, 7 + kHighest * 8));
  }

  template <size_t R, size_t P, size_t N>
  static inline __attribute__((always_inline)) void multiply(
      const uint8_t* weights, size_t vector_step, size_t group_step, size_t hidden,
      const void* const (&states)[R], size_t begin, size_t end, typename V::Int (&out)[R][P][N]) {
    typename V::Int acc[R][P][N][kBytes];
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n)
#pragma GCC unroll 2
          for (size_t i = 0; i < kBytes; ++i) acc[r][p][n][i] = V::zero_int();
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
        typename V::Int x[kBytes];
#pragma GCC unroll 2
        for (size_t i = 0; i < kBytes; ++i)
          x[i] = Dot::broadcast_load(code + i * plane_bytes(hidden));
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
          for (size_t n = 0; n < N; ++n)
#pragma GCC unroll 2
            for (size_t i = 0; i < kBytes; ++i)
              acc[r][p][n][i] = Dot::dot(acc[r][p][n][i], x[i], w[p][n]);
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
          out[r][p][n] = kBytes == 1
                             ? acc[r][p][n][0]
                             : V::add(V::shift_left(acc[r][p][n][kHighest], 8), acc[r][p][n][0]);
  }
};
