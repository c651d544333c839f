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
  static Int broadcast(int32_t v) { return _mm256_set1_epi32(v); }
  static Int broadcast_load(const uint8_t* p) {
    int32_t v;
    __builtin_memcpy(&v, p, sizeof(v));
    return _mm256_set1_epi32(v);
  }
  static Int dot(Int acc, Int u8, Int s8) { return _mm256_dpbusd_avx_epi32(acc, u8, s8); }
  static Int add(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static void store(int32_t* p, Int v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
};
