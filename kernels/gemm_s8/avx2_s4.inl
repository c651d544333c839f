// The u8 x s4 product by vpmaddubsw. Included inside a namespace of the anonymous one.
//
// Two products of a u8 and an s4 code, at most 2 * 255 * 8 = 4080 in magnitude, never saturate, nor
// do the s16 sums of eight such pairs, at most 32640: they are widened to s32 after eight groups of
// four k.

constexpr size_t kLanes = 8;
constexpr size_t kPanel = 16;
constexpr size_t kSumStride = kPanel;
constexpr size_t kRows = 4;
constexpr size_t kGroupsAtOnce = 8;

// Nothing is asked for ahead.
struct Ahead {
  const uint8_t* at;
  size_t step;
};
using Multiply = void (*)(const uint8_t*, size_t, const uint8_t*, size_t, int32_t*, Ahead);

inline __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

// The signed codes of the lower and of the upper halves of bytes.
inline __m256i lower_codes(__m256i bytes) {
  const __m256i codes = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1));
  return _mm256_shuffle_epi8(codes, _mm256_and_si256(bytes, _mm256_set1_epi8(15)));
}
inline __m256i upper_codes(__m256i bytes) { return lower_codes(_mm256_srli_epi32(bytes, 4)); }

// Codes of a group of four k: vector v of group g.
template <size_t V>
struct Narrow {
  static constexpr size_t kGroups = 2;
  static inline __attribute__((always_inline)) __m256i codes(const uint8_t* b, size_t g, size_t v) {
    const __m256i bytes = load(b + (g / 2 * V + v) * 32);
    return g % 2 == 0 ? lower_codes(bytes) : upper_codes(bytes);
  }
};
template <size_t V>
struct Wide {
  static constexpr size_t kGroups = 1;
  static inline __attribute__((always_inline)) __m256i codes(const uint8_t* b, size_t g, size_t v) {
    return load(b + (g * V + v) * 32);
  }
};

// Adds `groups` <= kGroupsAtOnce, a multiple of two, to acc.
template <template <size_t> class Codes, size_t R, size_t V>
inline __attribute__((always_inline)) void add_groups(const uint8_t* a, size_t a_stride,
                                                      const uint8_t* b, size_t groups,
                                                      int32_t* acc) {
  __m256i part[R][V];
#pragma GCC unroll 4
  for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (size_t v = 0; v < V; ++v) part[r][v] = _mm256_setzero_si256();
  for (size_t g = 0; g < groups; g += 2, a += 8, b += 2 / Codes<V>::kGroups * V * 32)
#pragma GCC unroll 2
    for (size_t h = 0; h < 2; ++h) {
      __m256i weights[V];
#pragma GCC unroll 2
      for (size_t v = 0; v < V; ++v) weights[v] = Codes<V>::codes(b, h, v);
#pragma GCC unroll 4
      for (size_t r = 0; r < R; ++r) {
        int32_t four;
        __builtin_memcpy(&four, a + r * a_stride + h * 4, sizeof(four));
        const __m256i codes = _mm256_set1_epi32(four);
#pragma GCC unroll 2
        for (size_t v = 0; v < V; ++v)
          part[r][v] = _mm256_add_epi16(part[r][v], _mm256_maddubs_epi16(codes, weights[v]));
      }
    }
#pragma GCC unroll 4
  for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (size_t v = 0; v < V; ++v) {
      auto* sum = reinterpret_cast<__m256i*>(acc + r * kPanel + v * kLanes);
      const __m256i wide = _mm256_madd_epi16(part[r][v], _mm256_set1_epi16(1));
      _mm256_storeu_si256(sum, _mm256_add_epi32(_mm256_loadu_si256(sum), wide));
    }
}

template <template <size_t> class Codes, size_t R, size_t V>
void multiply_groups(const uint8_t* a, size_t a_stride, const uint8_t* b, size_t count,
                     int32_t* acc, Ahead /*ahead*/) {
  for (size_t i = 0; i < R * kPanel; ++i) acc[i] = 0;
  const size_t groups = count * Codes<V>::kGroups;
  constexpr size_t kBytes = kGroupsAtOnce / Codes<V>::kGroups * V * 32;
  size_t g = 0;
  for (; g + kGroupsAtOnce <= groups; g += kGroupsAtOnce, b += kBytes)
    add_groups<Codes, R, V>(a + g * 4, a_stride, b, kGroupsAtOnce, acc);
  add_groups<Codes, R, V>(a + g * 4, a_stride, b, groups - g, acc);
}

template <template <size_t> class Codes, size_t V>
constexpr Multiply kMultiplyRows[kRows] = {
    multiply_groups<Codes, 1, V>, multiply_groups<Codes, 2, V>, multiply_groups<Codes, 3, V>,
    multiply_groups<Codes, 4, V>};

Multiply narrow_multiply_of(size_t rows, size_t vectors) {
  return (vectors == 1 ? kMultiplyRows<Narrow, 1> : kMultiplyRows<Narrow, 2>)[rows - 1];
}
Multiply wide_multiply_of(size_t rows, size_t vectors) {
  return (vectors == 1 ? kMultiplyRows<Wide, 1> : kMultiplyRows<Wide, 2>)[rows - 1];
}

void expand(const uint8_t* packed, size_t vectors, size_t steps, uint8_t* out) {
  for (size_t s = 0; s < steps; ++s, out += vectors * 32)
    for (size_t v = 0; v < vectors; ++v, packed += 32, out += 32) {
      const __m256i bytes = load(packed);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), lower_codes(bytes));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + vectors * 32), upper_codes(bytes));
    }
}

void scale_down(size_t /*rows*/, int32_t* /*acc*/) {}
