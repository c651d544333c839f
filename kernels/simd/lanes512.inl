// Sixteen lanes as one AVX-512 register: see lanes256.inl.

struct Ints {
  __m512i v;
};
struct Floats {
  __m512 v;
};

inline __mmask16 lane_mask(size_t count) {
  return count >= 16 ? static_cast<__mmask16>(0xFFFF) : static_cast<__mmask16>((1U << count) - 1U);
}

// Whole vectors go without a mask: stores with one take longer.
inline __m128i load_bytes(const void* from, size_t count) {
  if (count >= 16) return _mm_loadu_si128(static_cast<const __m128i*>(from));
  return _mm_maskz_loadu_epi8(lane_mask(count), from);
}
inline void store_bytes(void* to, size_t count, __m128i v) {
  if (count >= 16) return _mm_storeu_si128(static_cast<__m128i*>(to), v);
  _mm_mask_storeu_epi8(to, lane_mask(count), v);
}

inline Ints set_ints(int32_t v) { return {_mm512_set1_epi32(v)}; }
inline Floats set_floats(float v) { return {_mm512_set1_ps(v)}; }

inline Ints load_ints(const int32_t* p, size_t count) {
  return {_mm512_maskz_loadu_epi32(lane_mask(count), p)};
}
inline Floats load_floats(const float* p, size_t count) {
  return {_mm512_maskz_loadu_ps(lane_mask(count), p)};
}
inline void store_ints(int32_t* p, size_t count, Ints v) {
  _mm512_mask_storeu_epi32(p, lane_mask(count), v.v);
}
inline void store_floats(float* p, size_t count, Floats v) {
  _mm512_mask_storeu_ps(p, lane_mask(count), v.v);
}

inline Ints widen_codes(__m128i codes, bool is_signed) {
  return {is_signed ? _mm512_cvtepi8_epi32(codes) : _mm512_cvtepu8_epi32(codes)};
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
  const __m256i words = _mm256_maskz_loadu_epi16(lane_mask(count), p);
  return {is_signed ? _mm512_cvtepi16_epi32(words) : _mm512_cvtepu16_epi32(words)};
}
/// The low half of each lane.
inline void store_words(uint16_t* p, size_t count, Ints v) {
  _mm256_mask_storeu_epi16(p, lane_mask(count), _mm512_cvtepi32_epi16(v.v));
}
/// The low byte of each lane.
inline __m128i narrow_codes(Ints v) { return _mm512_cvtepi32_epi8(v.v); }
inline void store_codes(void* p, size_t count, Ints v) { store_bytes(p, count, narrow_codes(v)); }

#define OCTET_LANES(type, name, intrinsic) \
  inline type name(type a, type b) { return {intrinsic(a.v, b.v)}; }
OCTET_LANES(Ints, add, _mm512_add_epi32)
OCTET_LANES(Ints, sub, _mm512_sub_epi32)
OCTET_LANES(Ints, mul, _mm512_mullo_epi32)
OCTET_LANES(Floats, add, _mm512_add_ps)
OCTET_LANES(Floats, sub, _mm512_sub_ps)
OCTET_LANES(Floats, mul, _mm512_mul_ps)
OCTET_LANES(Floats, div, _mm512_div_ps)
/// b where either is NaN.
OCTET_LANES(Floats, max, _mm512_max_ps)
OCTET_LANES(Floats, min, _mm512_min_ps)
#undef OCTET_LANES
/// v within two numbers; a NaN stays.
inline Floats hold(Floats v, Floats low, Floats high) { return min(high, max(low, v)); }

inline Floats to_floats(Ints v) { return {_mm512_cvtepi32_ps(v.v)}; }
/// The nearest integers, ties to even; the values fit int32.
inline Ints to_ints(Floats v) { return {_mm512_cvtps_epi32(v.v)}; }
/// 0 where a lane is NaN.
inline Floats without_nan(Floats v) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v.v, v.v, _CMP_ORD_Q), v.v)};
}
/// Whether the magnitudes of all lanes are below `limit`; those of NaN aren't.
inline bool all_below(Floats v, float limit) {
  return _mm512_cmp_ps_mask(_mm512_abs_ps(v.v), _mm512_set1_ps(limit), _CMP_LT_OQ) == 0xFFFF;
}
inline float min_lane(Floats v) { return _mm512_reduce_min_ps(v.v); }
inline float max_lane(Floats v) { return _mm512_reduce_max_ps(v.v); }
