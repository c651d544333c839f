#pragma once

// AVX-512, AVX-VNNI and AMX intrinsics on a CPU that has AVX2, FMA and F16C only: SIMDe, and here
// what its releases lack. Included before everything else by the sources that emulated.def names;
// for tests only. Needs -mfma and -ffp-contract=off: SIMDe's fmadd rounds once only then.

// SIMDe includes <immintrin.h> itself, so the sources' own line for it adds nothing.
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#include <cstddef>
#include <cstdint>

// g++ notes that register types lose their alignment as template arguments: copies go by bytes.
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

#if defined(__AVX512F__) || defined(__AVXVNNI__) || !defined(__FMA__)
#error "emulation is compiled for AVX2 and FMA, no more and no less"
#endif

namespace octet::emulate {

#define OCTET_EMULATE static inline __attribute__((always_inline))

/// A 512-bit register as two halves.
template <typename Half, typename Whole>
struct Halves {
  Half low, high;
  OCTET_EMULATE Halves of(const Whole& v) {
    Halves halves;
    __builtin_memcpy(&halves, &v, sizeof(v));
    return halves;
  }
  __attribute__((always_inline)) operator Whole() const {
    Whole v;
    __builtin_memcpy(&v, this, sizeof(v));
    return v;
  }
};
using IntHalves = Halves<__m256i, __m512i>;
using FloatHalves = Halves<__m256, __m512>;

/// Elements whose mask bit is off are neither read nor written; loads give 0 there.
template <typename T, typename Register>
OCTET_EMULATE Register load_masked(uint64_t mask, const void* from) {
  T elements[sizeof(Register) / sizeof(T)] = {};
  for (size_t i = 0; i < sizeof(Register) / sizeof(T); ++i)
    if ((mask >> i & 1U) != 0)
      __builtin_memcpy(&elements[i], static_cast<const char*>(from) + i * sizeof(T), sizeof(T));
  Register v;
  __builtin_memcpy(&v, elements, sizeof(v));
  return v;
}
template <typename T, typename Register>
OCTET_EMULATE void store_masked(void* to, uint64_t mask, const Register& v) {
  T elements[sizeof(Register) / sizeof(T)];
  __builtin_memcpy(elements, &v, sizeof(v));
  for (size_t i = 0; i < sizeof(Register) / sizeof(T); ++i)
    if ((mask >> i & 1U) != 0)
      __builtin_memcpy(static_cast<char*>(to) + i * sizeof(T), &elements[i], sizeof(T));
}

/// The low bits of each 32-bit lane.
template <typename T, typename Register>
OCTET_EMULATE Register truncate(const __m512i& v) {
  int32_t lanes[16];
  __builtin_memcpy(lanes, &v, sizeof(v));
  T elements[16];
  for (size_t i = 0; i < 16; ++i) elements[i] = static_cast<T>(lanes[i]);
  Register narrow;
  __builtin_memcpy(&narrow, elements, sizeof(narrow));
  return narrow;
}

/// Sixteen lanes folded half onto half, as the instruction sequence of the compilers does.
template <typename T, typename Register, typename Combine>
OCTET_EMULATE T reduce(const Register& v, Combine combine) {
  T lanes[16];
  __builtin_memcpy(lanes, &v, sizeof(v));
  for (size_t width = 8; width > 0; width /= 2)
    for (size_t i = 0; i < width; ++i) lanes[i] = combine(lanes[i], lanes[i + width]);
  return lanes[0];
}

OCTET_EMULATE __m512i widen_s8(__m128i v) {
  return IntHalves{_mm256_cvtepi8_epi32(v), _mm256_cvtepi8_epi32(_mm_srli_si128(v, 8))};
}
OCTET_EMULATE __m512i widen_u8(__m128i v) {
  return IntHalves{_mm256_cvtepu8_epi32(v), _mm256_cvtepu8_epi32(_mm_srli_si128(v, 8))};
}
OCTET_EMULATE __m512i widen_u8_words(__m256i v) {
  return IntHalves{_mm256_cvtepu8_epi16(_mm256_castsi256_si128(v)),
                   _mm256_cvtepu8_epi16(_mm256_extracti128_si256(v, 1))};
}
OCTET_EMULATE __m512i widen_s16(__m256i v) {
  return IntHalves{_mm256_cvtepi16_epi32(_mm256_castsi256_si128(v)),
                   _mm256_cvtepi16_epi32(_mm256_extracti128_si256(v, 1))};
}
OCTET_EMULATE __m512i widen_u16(__m256i v) {
  return IntHalves{_mm256_cvtepu16_epi32(_mm256_castsi256_si128(v)),
                   _mm256_cvtepu16_epi32(_mm256_extracti128_si256(v, 1))};
}
OCTET_EMULATE __m512 to_float(const __m512i& v) {
  const IntHalves h = IntHalves::of(v);
  return FloatHalves{_mm256_cvtepi32_ps(h.low), _mm256_cvtepi32_ps(h.high)};
}
OCTET_EMULATE __m512i to_int(const __m512& v) {
  const FloatHalves h = FloatHalves::of(v);
  return IntHalves{_mm256_cvtps_epi32(h.low), _mm256_cvtps_epi32(h.high)};
}
OCTET_EMULATE __m512 halfs_to_float(__m256i v) {
  return FloatHalves{_mm256_cvtph_ps(_mm256_castsi256_si128(v)),
                     _mm256_cvtph_ps(_mm256_extracti128_si256(v, 1))};
}
OCTET_EMULATE __m512i shift_right(const __m512i& v, unsigned bits) {
  const IntHalves h = IntHalves::of(v);
  const int count = static_cast<int>(bits);
  return IntHalves{_mm256_srai_epi32(h.low, count), _mm256_srai_epi32(h.high, count)};
}
// SIMDe's own roundscale and scalef take denormal numbers for zero.
template <int kMode>
OCTET_EMULATE __m512 round(const __m512& v) {
  static_assert(kMode < 16, "a whole number, not a multiple of a power of two");
  const FloatHalves h = FloatHalves::of(v);
  return FloatHalves{_mm256_round_ps(h.low, kMode), _mm256_round_ps(h.high, kMode)};
}
/// x * 2^floor(n), rounded once; n is NaN only where x is.
OCTET_EMULATE __m512 scale(const __m512& x, const __m512& n) {
  float values[16], exponents[16];
  __builtin_memcpy(values, &x, sizeof(x));
  __builtin_memcpy(exponents, &n, sizeof(n));
  for (size_t i = 0; i < 16; ++i) {
    const float e = exponents[i];
    const float whole = e > 512.0F ? 512.0F : (e >= -512.0F ? __builtin_floorf(e) : -512.0F);
    const int64_t bits = (int64_t{1023} + static_cast<int64_t>(whole)) << 52;
    double power;
    __builtin_memcpy(&power, &bits, sizeof(power));
    values[i] = static_cast<float>(static_cast<double>(values[i]) * power);
  }
  __m512 result;
  __builtin_memcpy(&result, values, sizeof(result));
  return result;
}
OCTET_EMULATE __m256 half(const __m512& v, int index) {
  const FloatHalves h = FloatHalves::of(v);
  return index == 0 ? h.low : h.high;
}

/// AMX: what a thread configured, and its tiles' bytes.
struct Tiles {
  uint16_t row_bytes[16];
  uint8_t rows[16];
  uint8_t bytes[8][16][64];
};
inline Tiles& tiles() {
  static thread_local Tiles all;
  return all;
}
OCTET_EMULATE void configure(const void* config) {
  const auto* at = static_cast<const uint8_t*>(config);
  Tiles& all = tiles();
  __builtin_memset(&all, 0, sizeof(all));
  __builtin_memcpy(all.row_bytes, at + 16, sizeof(all.row_bytes));
  __builtin_memcpy(all.rows, at + 48, sizeof(all.rows));
}
OCTET_EMULATE void load_tile(int tile, const void* from, size_t stride) {
  Tiles& all = tiles();
  __builtin_memset(all.bytes[tile], 0, sizeof(all.bytes[tile]));
  for (size_t r = 0; r < all.rows[tile]; ++r)
    __builtin_memcpy(all.bytes[tile][r], static_cast<const char*>(from) + r * stride,
                     all.row_bytes[tile]);
}
OCTET_EMULATE void store_tile(int tile, void* to, size_t stride) {
  const Tiles& all = tiles();
  for (size_t r = 0; r < all.rows[tile]; ++r)
    __builtin_memcpy(static_cast<char*>(to) + r * stride, all.bytes[tile][r], all.row_bytes[tile]);
}
OCTET_EMULATE void zero_tile(int tile) {
  __builtin_memset(tiles().bytes[tile], 0, sizeof(tiles().bytes[tile]));
}
/// sums += u8 rows of `a` times s8 columns of `b`, whose rows hold four depths a column.
OCTET_EMULATE void multiply_tile(int sums, int a, int b) {
  Tiles& all = tiles();
  for (size_t r = 0; r < all.rows[sums]; ++r)
    for (size_t c = 0; c < all.row_bytes[sums] / 4U; ++c) {
      int32_t sum;
      __builtin_memcpy(&sum, all.bytes[sums][r] + c * 4, sizeof(sum));
      for (size_t k = 0; k < all.row_bytes[a]; ++k)
        sum += all.bytes[a][r][k] * static_cast<int8_t>(all.bytes[b][k / 4][c * 4 + k % 4]);
      __builtin_memcpy(all.bytes[sums][r] + c * 4, &sum, sizeof(sum));
    }
}

#undef OCTET_EMULATE

}  // namespace octet::emulate

// An intrinsic of the compiler's own header can't be called without its instruction set.
#define _mm_maskz_loadu_epi8(k, p) octet::emulate::load_masked<uint8_t, __m128i>(k, p)
#define _mm256_maskz_loadu_epi16(k, p) octet::emulate::load_masked<uint16_t, __m256i>(k, p)
#define _mm256_maskz_loadu_epi8(k, p) octet::emulate::load_masked<uint8_t, __m256i>(k, p)
#define _mm512_maskz_loadu_epi8(k, p) octet::emulate::load_masked<uint8_t, __m512i>(k, p)
#define _mm512_maskz_loadu_epi32(k, p) octet::emulate::load_masked<uint32_t, __m512i>(k, p)
#define _mm256_maskz_loadu_ps(k, p) octet::emulate::load_masked<float, __m256>(k, p)
#define _mm512_maskz_loadu_ps(k, p) octet::emulate::load_masked<float, __m512>(k, p)
#define _mm_mask_storeu_epi8(p, k, v) octet::emulate::store_masked<uint8_t>(p, k, v)
#define _mm256_mask_storeu_epi16(p, k, v) octet::emulate::store_masked<uint16_t>(p, k, v)
#define _mm256_mask_storeu_epi8(p, k, v) octet::emulate::store_masked<uint8_t>(p, k, v)
#define _mm512_mask_storeu_epi8(p, k, v) octet::emulate::store_masked<uint8_t>(p, k, v)
#define _mm512_mask_storeu_epi32(p, k, v) octet::emulate::store_masked<uint32_t>(p, k, v)
#define _mm256_mask_storeu_ps(p, k, v) octet::emulate::store_masked<float>(p, k, v)
#define _mm512_mask_storeu_ps(p, k, v) octet::emulate::store_masked<float>(p, k, v)
#define _mm512_cvtepi8_epi32(v) octet::emulate::widen_s8(v)
#define _mm512_cvtepu8_epi32(v) octet::emulate::widen_u8(v)
#define _mm512_cvtepu8_epi16(v) octet::emulate::widen_u8_words(v)
#define _mm512_cvtepi16_epi32(v) octet::emulate::widen_s16(v)
#define _mm512_cvtepu16_epi32(v) octet::emulate::widen_u16(v)
#define _mm512_cvtepi32_epi8(v) octet::emulate::truncate<uint8_t, __m128i>(v)
#define _mm512_cvtepi32_epi16(v) octet::emulate::truncate<uint16_t, __m256i>(v)
#define _mm512_cvtepi32_ps(v) octet::emulate::to_float(v)
#define _mm512_cvtps_epi32(v) octet::emulate::to_int(v)
#define _mm512_cvtph_ps(v) octet::emulate::halfs_to_float(v)
#define _mm512_srai_epi32(v, bits) octet::emulate::shift_right(v, bits)
#undef _mm512_roundscale_ps
#define _mm512_roundscale_ps(v, mode) octet::emulate::round<(mode)>(v)
#undef _mm512_scalef_ps
#define _mm512_scalef_ps(x, n) octet::emulate::scale(x, n)
#define _mm512_extractf32x8_ps(v, index) octet::emulate::half(v, index)
#define _mm512_reduce_add_epi32(v) \
  octet::emulate::reduce<int32_t>(v, [](int32_t a, int32_t b) { return a + b; })
#define _mm512_reduce_min_ps(v) \
  octet::emulate::reduce<float>(v, [](float a, float b) { return a < b ? a : b; })
#define _mm512_reduce_max_ps(v) \
  octet::emulate::reduce<float>(v, [](float a, float b) { return a > b ? a : b; })
#define _mm_dpbusd_avx_epi32(acc, u8, s8) simde_mm_dpbusd_epi32(acc, u8, s8)
#define _mm256_dpbusd_avx_epi32(acc, u8, s8) simde_mm256_dpbusd_epi32(acc, u8, s8)
#define _mm256_dpwssd_avx_epi32(acc, a, b) simde_mm256_dpwssd_epi32(acc, a, b)
#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbusd
#define _tile_loadconfig(config) octet::emulate::configure(config)
#define _tile_release() ((void)0)
#define _tile_loadd(tile, from, stride) octet::emulate::load_tile(tile, from, stride)
#define _tile_stored(tile, to, stride) octet::emulate::store_tile(tile, to, stride)
#define _tile_zero(tile) octet::emulate::zero_tile(tile)
#define _tile_dpbusd(sums, a, b) octet::emulate::multiply_tile(sums, a, b)
