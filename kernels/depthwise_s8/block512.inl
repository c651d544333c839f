// Blocks of driver.inl by vpdpbusd: four taps of 64 channels are interleaved to u8 quadruples (s8
// codes plus 128). Interleaving leaves channels (16 lane + 4 j + i) in sum j, 128-bit lane `lane`,
// element i. Packed: int32 sums[64], int32 zeros[64], then s8 codes by four taps, sum, channel,
// tap.

inline constexpr size_t kBlock = 64;
inline constexpr size_t kPadBytes = 64, kPadBefore = 0;
inline constexpr size_t kCodesAt = 2 * kBlock * sizeof(int32_t);

inline size_t padded_taps(size_t taps) { return round_up(taps, 4); }
inline size_t block_bytes(size_t taps) { return kCodesAt + padded_taps(taps) * kBlock; }

inline int pad_byte(const ConvIo& io) { return io.in_zero_point & 0xFF; }

/// The place of a channel among the lanes of sums 0 to 3, counted through.
inline size_t lane_of(size_t channel) {
  return channel % 16 / 4 * 16 + channel / 16 * 4 + channel % 4;
}

inline void pack_block(const ConvWeights& w, size_t first, size_t count, size_t taps,
                       uint8_t* packed) {
  auto* sums = reinterpret_cast<int32_t*>(packed);
  int32_t* zeros = sums + kBlock;
  auto* codes = reinterpret_cast<int8_t*>(packed + kCodesAt);
  const int shift = w.is_signed ? 0 : 128;
  for (size_t c = 0; c < kBlock; ++c) {
    const size_t lane = lane_of(c);
    const bool here = c < count;
    sums[lane] = 0;
    zeros[lane] = here ? (w.zero_points != nullptr ? w.zero_points[first + c] : 0) - shift : 0;
    for (size_t t = 0; t < padded_taps(taps); ++t) {
      int8_t code = 0;
      if (here && t < taps) {
        const uint8_t byte = static_cast<const uint8_t*>(w.data)[(first + c) * taps + t];
        code = static_cast<int8_t>(static_cast<uint8_t>(byte ^ shift));
      }
      sums[lane] += code;
      codes[t / 4 * 4 * kBlock + lane * 4 + t % 4] = code;
    }
  }
}

/// Four vectors in the order of the sums to the order of channels, or back.
inline void turn_lanes(__m512i v[4]) {
  const __m512i t0 = _mm512_shuffle_i32x4(v[0], v[1], 0x44);
  const __m512i t1 = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
  const __m512i t2 = _mm512_shuffle_i32x4(v[0], v[1], 0xEE);
  const __m512i t3 = _mm512_shuffle_i32x4(v[2], v[3], 0xEE);
  v[0] = _mm512_shuffle_i32x4(t0, t1, 0x88);
  v[1] = _mm512_shuffle_i32x4(t0, t1, 0xDD);
  v[2] = _mm512_shuffle_i32x4(t2, t3, 0x88);
  v[3] = _mm512_shuffle_i32x4(t2, t3, 0xDD);
}

class Block {
 public:
  Block(const Target& target, const ConvIo& io, const uint8_t* packed, size_t first, size_t count,
        size_t taps, bool has_zeros)
      : target_(target),
        codes_(packed + kCodesAt),
        groups_(padded_taps(taps) / 4),
        first_(first),
        count_(count),
        mask_(count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1),
        flip_(_mm512_set1_epi8(io.in_signed ? static_cast<char>(0x80) : 0)),
        has_zeros_(has_zeros),
        last_ones_(static_cast<int32_t>(0x01010101U >> 8 * (padded_taps(taps) - taps))) {
    const ConvEpilogue& e = *target.epilogue;
    const auto* sums = reinterpret_cast<const int32_t*>(packed);
    const int32_t zero = io.in_zero_point + (io.in_signed ? 128 : 0);
    for (size_t j = 0; j < 4; ++j) {
      const size_t at = 16 * j;
      const size_t left = count > at ? smaller(16, count - at) : 0;
      offset_[j] = left > 0 && e.bias != nullptr ? load_ints(e.bias + first + at, left).v
                                                 : _mm512_setzero_si512();
      multiplier_[j] = left > 0 && e.multiplier != nullptr
                           ? _mm512_castps_si512(load_floats(e.multiplier + first + at, left).v)
                           : _mm512_setzero_si512();
    }
    turn_lanes(offset_);
    turn_lanes(multiplier_);
    for (size_t j = 0; j < 4; ++j) {
      const __m512i sum = _mm512_load_si512(sums + 16 * j);
      zeros_[j] = _mm512_load_si512(sums + kBlock + 16 * j);
      offset_[j] = _mm512_sub_epi32(offset_[j], _mm512_mullo_epi32(sum, _mm512_set1_epi32(zero)));
      // take_zeros subtracts zeros * Σ x, where zeros * Σ (x - zero) is due.
      offset_[j] = _mm512_add_epi32(
          offset_[j],
          _mm512_mullo_epi32(zeros_[j], _mm512_set1_epi32(zero * static_cast<int32_t>(taps))));
    }
    plain_ = e.residual == nullptr && e.table == nullptr && e.out != Element::f32 &&
             e.out != Element::s32;
  }

  template <typename TapsAt>
  void run(TapsAt taps_at, size_t pixel) const {
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    const uint8_t* codes = codes_;
    for (size_t g = 0; g < groups_; ++g, codes += 256) {
      const Quads q = load_quads(taps_at, g * 4);
      a = _mm512_dpbusd_epi32(a, q.v0, _mm512_load_si512(codes));
      b = _mm512_dpbusd_epi32(b, q.v1, _mm512_load_si512(codes + 64));
      c = _mm512_dpbusd_epi32(c, q.v2, _mm512_load_si512(codes + 128));
      d = _mm512_dpbusd_epi32(d, q.v3, _mm512_load_si512(codes + 192));
    }
    __m512i sums[4] = {a, b, c, d};
    if (has_zeros_) take_zeros(taps_at, sums);
    if (plain_)
      finish_codes(sums, pixel);
    else
      finish_any(sums, pixel);
  }

 private:
  struct Quads {
    __m512i v0, v1, v2, v3;
  };

  template <typename TapsAt>
  Quads load_quads(TapsAt taps_at, size_t t) const {
    const __m512i x0 = load(taps_at(t)), x1 = load(taps_at(t + 1));
    const __m512i x2 = load(taps_at(t + 2)), x3 = load(taps_at(t + 3));
    const __m512i lo01 = _mm512_unpacklo_epi8(x0, x1), hi01 = _mm512_unpackhi_epi8(x0, x1);
    const __m512i lo23 = _mm512_unpacklo_epi8(x2, x3), hi23 = _mm512_unpackhi_epi8(x2, x3);
    return {_mm512_unpacklo_epi16(lo01, lo23), _mm512_unpackhi_epi16(lo01, lo23),
            _mm512_unpacklo_epi16(hi01, hi23), _mm512_unpackhi_epi16(hi01, hi23)};
  }

  __m512i load(const uint8_t* from) const {
    return _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask_, from), flip_);
  }

  /// Subtracts Σ x of the taps times the weights' zero points.
  template <typename TapsAt>
  __attribute__((noinline)) void take_zeros(TapsAt taps_at, __m512i sums[4]) const {
    __m512i total[4] = {};
    const size_t last = groups_ - 1;
    for (size_t g = 0; g < groups_; ++g) {
      const Quads q = load_quads(taps_at, g * 4);
      const __m512i ones = _mm512_set1_epi32(g == last ? last_ones_ : 0x01010101);
      total[0] = _mm512_dpbusd_epi32(total[0], q.v0, ones);
      total[1] = _mm512_dpbusd_epi32(total[1], q.v1, ones);
      total[2] = _mm512_dpbusd_epi32(total[2], q.v2, ones);
      total[3] = _mm512_dpbusd_epi32(total[3], q.v3, ones);
    }
    for (size_t j = 0; j < 4; ++j)
      sums[j] = _mm512_sub_epi32(sums[j], _mm512_mullo_epi32(zeros_[j], total[j]));
  }

  void finish_codes(const __m512i sums[4], size_t pixel) const {
    const ConvEpilogue& e = *target_.epilogue;
    __m512i codes[4];
    for (size_t j = 0; j < 4; ++j) {
      const Floats v = to_floats(Ints{_mm512_add_epi32(sums[j], offset_[j])});
      codes[j] = to_codes(e, mul(v, Floats{_mm512_castsi512_ps(multiplier_[j])})).v;
    }
    const __m512i lo = _mm512_packs_epi32(codes[0], codes[1]);
    const __m512i hi = _mm512_packs_epi32(codes[2], codes[3]);
    const __m512i bytes =
        e.out == Element::u8 ? _mm512_packus_epi16(lo, hi) : _mm512_packs_epi16(lo, hi);
    auto* to = static_cast<uint8_t*>(target_.out) + pixel * target_.out_stride + first_;
    _mm512_mask_storeu_epi8(to, mask_, bytes);
  }

  __attribute__((noinline)) void finish_any(const __m512i sums[4], size_t pixel) const {
    __m512i turned[4];
    for (size_t j = 0; j < 4; ++j) turned[j] = _mm512_add_epi32(sums[j], offset_[j]);
    turn_lanes(turned);
    const ConvEpilogue& e = *target_.epilogue;
    for (size_t j = 0; 16 * j < count_; ++j) {
      Columns columns = columns_at(e, first_ + 16 * j, smaller(16, count_ - 16 * j));
      columns.offset = set_ints(0);
      finish(target_, columns, pixel, Ints{turned[j]});
    }
  }

  const Target& target_;
  const uint8_t* codes_;
  size_t groups_, first_, count_;
  __mmask64 mask_;
  __m512i flip_;
  bool has_zeros_, plain_ = false;
  int32_t last_ones_;  // a one for each tap of the last four
  __m512i offset_[4], multiplier_[4], zeros_[4];
};
