// Blocks of driver.inl by vpmaddwd: pairs of taps of 16 channels as s16. Interleaving leaves
// channels 0-3 and 8-11 in the lower sums, 4-7 and 12-15 in the upper ones. Packed: int32 sums[16],
// then s16 weights less their zero points by pair of taps, lane of the sums, tap.

inline constexpr size_t kBlock = 16;
inline constexpr size_t kPadBytes = 64, kPadBefore = 16;
inline constexpr size_t kCodesAt = 64;

inline size_t padded_taps(size_t taps) { return round_up(taps, 2); }
inline size_t block_bytes(size_t taps) { return kCodesAt + padded_taps(taps) * kBlock * 2; }

inline int pad_byte(const ConvIo& io) { return io.in_zero_point & 0xFF; }

inline void pack_block(const ConvWeights& w, size_t first, size_t count, size_t taps,
                       uint8_t* packed) {
  auto* sums = reinterpret_cast<int32_t*>(packed);
  auto* codes = reinterpret_cast<int16_t*>(packed + kCodesAt);
  for (size_t c = 0; c < kBlock; ++c) {
    const size_t lane = c / 4 % 2 * 8 + c / 8 * 4 + c % 4;
    sums[c] = 0;
    for (size_t t = 0; t < padded_taps(taps); ++t) {
      int32_t code = 0;
      if (c < count && t < taps) {
        const size_t at = (first + c) * taps + t;
        code = w.is_signed ? static_cast<const int8_t*>(w.data)[at]
                           : static_cast<const uint8_t*>(w.data)[at];
        if (w.zero_points != nullptr) code -= w.zero_points[first + c];
      }
      sums[c] += code;
      codes[t / 2 * 2 * kBlock + lane * 2 + t % 2] = static_cast<int16_t>(code);
    }
  }
}

class Block {
 public:
  Block(const Target& target, const ConvIo& io, const uint8_t* packed, size_t first, size_t count,
        size_t taps, bool /*has_zeros*/)
      : target_(target),
        columns_(columns_at(*target.epilogue, first, count)),
        weights_(packed + kCodesAt),
        pairs_(padded_taps(taps) / 2),
        is_signed_(io.in_signed),
        back_(count < kBlock && first > 0 ? kBlock - count : 0) {
    const Ints sums = load_ints(reinterpret_cast<const int32_t*>(packed), kBlock);
    columns_.offset = sub(columns_.offset, mul(sums, set_ints(io.in_zero_point)));
    alignas(16) uint8_t shift[16];
    for (size_t i = 0; i < 16; ++i) shift[i] = static_cast<uint8_t>(smaller(i + back_, 15));
    shift_ = _mm_load_si128(reinterpret_cast<const __m128i*>(shift));
  }

  template <typename TapsAt>
  void run(TapsAt taps_at, size_t pixel) const {
    if (columns_.count == kBlock)
      run_loaded(taps_at, pixel, [](const uint8_t* from) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      });
    else if (back_ > 0)  // the bytes before a tap are the pixel's other channels
      run_loaded(taps_at, pixel, [&](const uint8_t* from) {
        const auto* at = reinterpret_cast<const __m128i*>(from - back_);
        return _mm_shuffle_epi8(_mm_loadu_si128(at), shift_);
      });
    else
      run_loaded(taps_at, pixel,
                 [&](const uint8_t* from) { return load_bytes(from, columns_.count); });
  }

 private:
  template <typename TapsAt, typename Load>
  void run_loaded(TapsAt taps_at, size_t pixel, Load load) const {
    if (is_signed_)
      run_widened(taps_at, pixel,
                  [&](const uint8_t* from) { return _mm256_cvtepi8_epi16(load(from)); });
    else
      run_widened(taps_at, pixel,
                  [&](const uint8_t* from) { return _mm256_cvtepu8_epi16(load(from)); });
  }

  template <typename TapsAt, typename Load>
  void run_widened(TapsAt taps_at, size_t pixel, Load load) const {
    __m256i lower = _mm256_setzero_si256(), upper = lower;
    const auto* weights = reinterpret_cast<const __m256i*>(weights_);
    for (size_t p = 0; p < pairs_; ++p) {
      const __m256i x0 = load(taps_at(2 * p));
      const __m256i x1 = load(taps_at(2 * p + 1));
      const __m256i lo = _mm256_unpacklo_epi16(x0, x1);
      const __m256i hi = _mm256_unpackhi_epi16(x0, x1);
      lower = _mm256_add_epi32(lower, _mm256_madd_epi16(lo, _mm256_load_si256(weights + 2 * p)));
      upper =
          _mm256_add_epi32(upper, _mm256_madd_epi16(hi, _mm256_load_si256(weights + 2 * p + 1)));
    }
    finish(target_, columns_, pixel,
           Ints{_mm256_permute2x128_si256(lower, upper, 0x20),
                _mm256_permute2x128_si256(lower, upper, 0x31)});
  }

  const Target& target_;
  Columns columns_;
  const uint8_t* weights_;
  size_t pairs_;
  bool is_signed_;
  size_t back_;
  __m128i shift_;
};
