// Blocks of 32 channels for window.inl with 512 bits: two neighbouring outputs side by side.
// Included inside an anonymous namespace after wide512.inl and quads.inl.

/// Vectors whose lower half is Quads256's of one output, and the upper one that of the next.
struct Doubles512 : Wide512 {
  using Weight = int8_t;
  static constexpr size_t kGroup = 4, kVectors = 4, kChannels = 32;
  static constexpr bool kTakesZeros = false, kDoubled = true;

  static Int load(const void* p) { return _mm512_broadcast_i64x4(Wide256::load(p)); }
  static Float load_floats(const void* p) { return _mm512_castsi512_ps(load(p)); }
  static Int dot(Int sum, Int codes, Int weights) {
    return _mm512_dpbusd_epi32(sum, codes, weights);
  }
  /// Weights with each tap at the next one's place.
  static Int lowered(Int weights) { return _mm512_slli_epi32(weights, 8); }
  /// The codes of the output in between: the upper half of `a` and the lower one of `b`.
  static Int between(Int a, Int b) { return _mm512_shuffle_i32x4(a, b, 0x4E); }

  /// Two columns: `next` is what the taps are for the second one.
  static inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[4],
                                                               const uint8_t* const (&next)[4],
                                                               uint8_t flip, Int (&to)[4]) {
    const Int flips = _mm512_set1_epi8(static_cast<char>(flip));
    const auto tap = [&](size_t i) {
      const __m512i first = _mm512_castsi256_si512(load_codes256(taps[i], 32));
      return _mm512_xor_si512(_mm512_inserti64x4(first, load_codes256(next[i], 32), 1), flips);
    };
    interleave_quads(tap(0), tap(1), tap(2), tap(3), to);
  }

  static void store(uint8_t* to, size_t stride, size_t outputs, Int codes) {
    store_codes256(to, 32, _mm512_castsi512_si256(codes));
    if (outputs > 1) store_codes256(to + stride, 32, _mm512_extracti64x4_epi64(codes, 1));
  }
};

template <>
struct WindowOf<Quads256> {
  using type = Doubles512;
};
