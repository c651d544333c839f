// Sums of four u8 x s8 products in each 32-bit lane (vpdpbusd). Included inside an anonymous
// namespace.

struct Dot256 {
  using Int = __m256i;
  static constexpr size_t kLanes = 8;
  static Int zero() { return _mm256_setzero_si256(); }
  static Int load(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  // A load into a register that several products share: g++ repeats a plain load in each of them.
  static Int load_shared(const uint8_t* p) {
    Int v = load(p);
    __asm__("" : "+x"(v));
    return v;
  }
  // The same, in the program's order among others of the kind: lines asked for one after the other
  // come from the second-level cache up to a third faster.
  static Int load_in_order(const uint8_t* p) {
    Int v = load(p);
    __asm__ volatile("" : "+x"(v));
    return v;
  }
  static Int broadcast(int32_t v) { return _mm256_set1_epi32(v); }
  static Int broadcast_load(const uint8_t* p) {
    int32_t v;
    __builtin_memcpy(&v, p, sizeof(v));
    return _mm256_set1_epi32(v);
  }
  static Int dot(Int acc, Int u8, Int s8) { return _mm256_dpbusd_avx_epi32(acc, u8, s8); }
  // Sixteen times the signed codes in the lower and in the upper halves of bytes.
  static Int lower_codes(Int bytes) { return upper_codes(_mm256_slli_epi32(bytes, 4)); }
  static Int upper_codes(Int bytes) {
    return _mm256_and_si256(bytes, _mm256_set1_epi8(static_cast<char>(0xf0)));
  }
  // The signed codes themselves.
  static Int lower_signed(Int bytes) {
    const Int codes = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1));
    return _mm256_shuffle_epi8(codes, _mm256_and_si256(bytes, _mm256_set1_epi8(15)));
  }
  static Int upper_signed(Int bytes) { return lower_signed(_mm256_srli_epi32(bytes, 4)); }
  static Int sixteenth(Int v) { return _mm256_srai_epi32(v, 4); }
  static void store(uint8_t* p, Int v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static Int add(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static void store(int32_t* p, Int v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
};
