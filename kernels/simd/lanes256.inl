// Sixteen lanes as two AVX2 registers: what the kernels over codes are written in. lanes512.inl is
// the same on AVX-512. Included inside an anonymous namespace, after <immintrin.h>. A `count` is at
// most 16; memory past it is neither read nor written, and lanes past it hold anything.

struct Ints {
  __m256i lo, hi;
};
struct Floats {
  __m256 lo, hi;
};

inline __m256i lane_mask(size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256i upper_mask(size_t count) { return lane_mask(count > 8 ? count - 8 : 0); }

inline __m128i load_bytes(const void* from, size_t count) {
  if (count >= 16) return _mm_loadu_si128(static_cast<const __m128i*>(from));
  alignas(16) uint8_t bytes[16] = {};
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<const uint8_t*>(from)[i];
  return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
}

inline void store_bytes(void* to, size_t count, __m128i v) {
  if (count >= 16) {
    _mm_storeu_si128(static_cast<__m128i*>(to), v);
    return;
  }
  alignas(16) uint8_t bytes[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(bytes), v);
  for (size_t i = 0; i < count; ++i) static_cast<uint8_t*>(to)[i] = bytes[i];
}

inline Ints set_ints(int32_t v) { return {_mm256_set1_epi32(v), _mm256_set1_epi32(v)}; }
inline Floats set_floats(float v) { return {_mm256_set1_ps(v), _mm256_set1_ps(v)}; }

inline Ints load_ints(const int32_t* p, size_t count) {
  if (count >= 16)
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
  return {_mm256_maskload_epi32(p, lane_mask(count)),
          _mm256_maskload_epi32(p + 8, upper_mask(count))};
}
inline Floats load_floats(const float* p, size_t count) {
  if (count >= 16) return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
  return {_mm256_maskload_ps(p, lane_mask(count)), _mm256_maskload_ps(p + 8, upper_mask(count))};
}
inline void store_ints(int32_t* p, size_t count, Ints v) {
  if (count >= 16) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v.lo);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), v.hi);
    return;
  }
  _mm256_maskstore_epi32(p, lane_mask(count), v.lo);
  _mm256_maskstore_epi32(p + 8, upper_mask(count), v.hi);
}
inline void store_floats(float* p, size_t count, Floats v) {
  if (count >= 16) {
    _mm256_storeu_ps(p, v.lo);
    _mm256_storeu_ps(p + 8, v.hi);
    return;
  }
  _mm256_maskstore_ps(p, lane_mask(count), v.lo);
  _mm256_maskstore_ps(p + 8, upper_mask(count), v.hi);
}

inline Ints widen_codes(__m128i codes, bool is_signed) {
  const __m128i upper = _mm_srli_si128(codes, 8);
  if (is_signed) return {_mm256_cvtepi8_epi32(codes), _mm256_cvtepi8_epi32(upper)};
  return {_mm256_cvtepu8_epi32(codes), _mm256_cvtepu8_epi32(upper)};
}
inline Ints load_codes(const void* p, bool is_signed, size_t count) {
  return widen_codes(load_bytes(p, count), is_signed);
}
/// Codes, each xored with `flip`, as u8.
inline Ints load_flipped_codes(const void* p, uint8_t flip, size_t count) {
  const __m128i flips = _mm_set1_epi8(static_cast<char>(flip));
  return widen_codes(_mm_xor_si128(load_bytes(p, count), flips), false);
}
inline Ints load_words(const uint16_t* p, bool is_signed, size_t count) {
  const __m128i lo = load_bytes(p, count * 2);
  const __m128i hi = count > 8 ? load_bytes(p + 8, count * 2 - 16) : _mm_setzero_si128();
  if (is_signed) return {_mm256_cvtepi16_epi32(lo), _mm256_cvtepi16_epi32(hi)};
  return {_mm256_cvtepu16_epi32(lo), _mm256_cvtepu16_epi32(hi)};
}
/// The low half of each lane.
inline __m256i narrow_words(Ints v) {
  const __m256i pick = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, 0,
                                        1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i lo = _mm256_shuffle_epi8(v.lo, pick);
  const __m256i hi = _mm256_shuffle_epi8(v.hi, pick);
  return _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(lo, hi), 0xD8);
}
inline void store_words(uint16_t* p, size_t count, Ints v) {
  const __m256i words = narrow_words(v);
  store_bytes(p, count * 2, _mm256_castsi256_si128(words));
  if (count > 8) store_bytes(p + 8, count * 2 - 16, _mm256_extracti128_si256(words, 1));
}
/// The low byte of each lane.
inline __m128i narrow_codes(Ints v) {
  const __m256i pick =
      _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12, -1,
                       -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i pair =
      _mm256_unpacklo_epi32(_mm256_shuffle_epi8(v.lo, pick), _mm256_shuffle_epi8(v.hi, pick));
  const __m128i even = _mm256_castsi256_si128(pair);      // lanes 0-3, 8-11
  const __m128i odd = _mm256_extracti128_si256(pair, 1);  // lanes 4-7, 12-15
  return _mm_unpacklo_epi32(even, odd);
}
inline void store_codes(void* p, size_t count, Ints v) { store_bytes(p, count, narrow_codes(v)); }

#define OCTET_LANES(type, name, intrinsic) \
  inline type name(type a, type b) { return {intrinsic(a.lo, b.lo), intrinsic(a.hi, b.hi)}; }
OCTET_LANES(Ints, add, _mm256_add_epi32)
OCTET_LANES(Ints, sub, _mm256_sub_epi32)
OCTET_LANES(Ints, mul, _mm256_mullo_epi32)
OCTET_LANES(Floats, add, _mm256_add_ps)
OCTET_LANES(Floats, sub, _mm256_sub_ps)
OCTET_LANES(Floats, mul, _mm256_mul_ps)
OCTET_LANES(Floats, div, _mm256_div_ps)
/// b where either is NaN.
OCTET_LANES(Floats, max, _mm256_max_ps)
OCTET_LANES(Floats, min, _mm256_min_ps)
#undef OCTET_LANES
/// v within two numbers; a NaN stays.
inline Floats hold(Floats v, Floats low, Floats high) { return min(high, max(low, v)); }

inline Floats to_floats(Ints v) { return {_mm256_cvtepi32_ps(v.lo), _mm256_cvtepi32_ps(v.hi)}; }
/// The nearest integers, ties to even; the values fit int32.
inline Ints to_ints(Floats v) { return {_mm256_cvtps_epi32(v.lo), _mm256_cvtps_epi32(v.hi)}; }
/// 0 where a lane is NaN.
inline Floats without_nan(Floats v) {
  return {_mm256_and_ps(v.lo, _mm256_cmp_ps(v.lo, v.lo, _CMP_ORD_Q)),
          _mm256_and_ps(v.hi, _mm256_cmp_ps(v.hi, v.hi, _CMP_ORD_Q))};
}
/// Whether the magnitudes of all lanes are below `limit`; those of NaN aren't.
inline bool all_below(Floats v, float limit) {
  const auto below = [&](__m256 half) {
    const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.0F), half);
    return _mm256_cmp_ps(magnitude, _mm256_set1_ps(limit), _CMP_LT_OQ);
  };
  return _mm256_movemask_ps(_mm256_and_ps(below(v.lo), below(v.hi))) == 0xFF;
}
inline float min_lane(Floats v) {
  const __m256 a = _mm256_min_ps(v.lo, v.hi);
  const __m128 b = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 c = _mm_min_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_min_ss(c, _mm_shuffle_ps(c, c, 1)));
}
inline float max_lane(Floats v) {
  const __m256 a = _mm256_max_ps(v.lo, v.hi);
  const __m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  const __m128 c = _mm_max_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_max_ss(c, _mm_shuffle_ps(c, c, 1)));
}
