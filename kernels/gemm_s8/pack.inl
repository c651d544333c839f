// Packing of B for the x86 variants: a header, then panels of columns, each [groups of k][columns]
// [k within the group], with zeros past K and N. Included inside an anonymous namespace.

struct PackedHeader {
  int64_t has_zero;  // whether any column's zero point is not 0
  int64_t one_zero;  // whether all columns have the same
  int64_t unused[6];
};

constexpr size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

// How many of the rows that are left a block of up to `most` takes. The last two blocks are about
// as high: one of two rows would read B, or widen it, for little.
constexpr size_t next_rows(size_t left, size_t most) {
  if (left >= 2 * most) return most;
  return left > most ? (left + 1) / 2 : left;
}

// Unsigned codes are stored minus 128, their zero points likewise.
inline int32_t packed_zero(const GemmS8Weights& w, size_t n) {
  const int32_t zero = w.zero_point == nullptr ? 0 : w.zero_point[n * w.zero_stride];
  return w.is_unsigned ? zero - 128 : zero;
}

// zeros[n] for `padded` columns, and what is to be known of them.
inline PackedHeader pack_zeros(const GemmS8Weights& w, size_t padded, int32_t* zeros) {
  int32_t any = 0, other = 0;
  for (size_t n = 0; n < padded; ++n) {
    zeros[n] = n < w.n ? packed_zero(w, n) : 0;
    any |= zeros[n];
    if (n < w.n) other |= zeros[n] ^ zeros[0];
  }
  return {any != 0, other == 0, {}};
}

// Four rows of 16 columns to [16][4].
inline void interleave(const uint8_t* const (&row)[4], __m128i flip, uint8_t* out) {
  const auto load = [flip](const uint8_t* p) {
    return _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), flip);
  };
  const __m128i r0 = load(row[0]), r1 = load(row[1]), r2 = load(row[2]), r3 = load(row[3]);
  const __m128i low01 = _mm_unpacklo_epi8(r0, r1), high01 = _mm_unpackhi_epi8(r0, r1);
  const __m128i low23 = _mm_unpacklo_epi8(r2, r3), high23 = _mm_unpackhi_epi8(r2, r3);
  auto* to = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(to, _mm_unpacklo_epi16(low01, low23));
  _mm_storeu_si128(to + 1, _mm_unpackhi_epi16(low01, low23));
  _mm_storeu_si128(to + 2, _mm_unpacklo_epi16(high01, high23));
  _mm_storeu_si128(to + 3, _mm_unpackhi_epi16(high01, high23));
}

// Two rows of 16 columns to [16][2].
inline void interleave(const uint8_t* const (&row)[2], __m128i flip, uint8_t* out) {
  const auto load = [flip](const uint8_t* p) {
    return _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), flip);
  };
  const __m128i r0 = load(row[0]), r1 = load(row[1]);
  auto* to = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(to, _mm_unpacklo_epi8(r0, r1));
  _mm_storeu_si128(to + 1, _mm_unpackhi_epi8(r0, r1));
}

// 16 k of four columns: groups of G k, `width` columns apart.
template <size_t G>
void transpose(const uint8_t* const (&column)[4], size_t k, __m128i flip, uint8_t* out,
               size_t width) {
  const auto load = [k, flip](const uint8_t* p) {
    return _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + k)), flip);
  };
  const __m128i c0 = load(column[0]), c1 = load(column[1]), c2 = load(column[2]),
                c3 = load(column[3]);
  const __m128i low01 = _mm_unpacklo_epi32(c0, c1), high01 = _mm_unpackhi_epi32(c0, c1);
  const __m128i low23 = _mm_unpacklo_epi32(c2, c3), high23 = _mm_unpackhi_epi32(c2, c3);
  const __m128i fours[4] = {_mm_unpacklo_epi64(low01, low23), _mm_unpackhi_epi64(low01, low23),
                            _mm_unpacklo_epi64(high01, high23), _mm_unpackhi_epi64(high01, high23)};
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    if constexpr (G == 4) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i * width * 4), fours[i]);
    } else {
      const __m128i pairs = _mm_shuffle_epi8(
          fours[i], _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
      auto* first = reinterpret_cast<__m128i*>(out + 2 * i * width * 2);
      auto* second = reinterpret_cast<__m128i*>(out + (2 * i + 1) * width * 2);
      _mm_storel_epi64(first, pairs);
      _mm_storel_epi64(second, _mm_unpackhi_epi64(pairs, pairs));
    }
  }
}

// Four rows of four columns to [4][4].
inline void interleave_four(const uint8_t* from, size_t stride, __m128i flip, uint8_t* out) {
  const auto load = [=](size_t i) {
    int32_t codes;
    __builtin_memcpy(&codes, from + i * stride, sizeof(codes));
    return _mm_cvtsi32_si128(codes);
  };
  const __m128i low = _mm_unpacklo_epi8(load(0), load(1)),
                high = _mm_unpacklo_epi8(load(2), load(3));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                   _mm_xor_si128(_mm_unpacklo_epi16(low, high), flip));
}

// The panel of `count` columns from `column` on, padded to `width` columns, in groups of G.
template <size_t G>
void pack_panel(const GemmS8Weights& w, size_t column, size_t count, size_t width, uint8_t* out) {
  const uint8_t flip = w.is_unsigned ? 0x80 : 0;
  const __m128i flip16 = _mm_set1_epi8(static_cast<char>(flip));
  const auto* from = static_cast<const uint8_t*>(w.data) + column * w.column_stride;
  const size_t groups = w.k / G;
  if (count < width || w.k % G != 0) __builtin_memset(out, 0, round_up(w.k, G) * width);
  const auto one = [&](size_t k, size_t n) {
    out[(k / G * width + n) * G + k % G] = from[k * w.row_stride + n * w.column_stride] ^ flip;
  };
  size_t n = 0;
  if (w.row_stride == 1) {
    const size_t vectors = w.k / 16;
    for (; n + 4 <= count; n += 4) {
      const uint8_t* columns[4];
      for (size_t i = 0; i < 4; ++i) columns[i] = from + (n + i) * w.column_stride;
      for (size_t v = 0; v < vectors; ++v)
        transpose<G>(columns, v * 16, flip16, out + (v * 16 / G * width + n) * G, width);
      size_t k = vectors * 16;
      if constexpr (G == 4)
        for (; k + 4 <= w.k; k += 4)
          for (size_t i = 0; i < 4; ++i) {
            uint32_t codes;
            __builtin_memcpy(&codes, columns[i] + k, sizeof(codes));
            codes ^= flip * 0x01010101U;
            __builtin_memcpy(out + (k / 4 * width + n + i) * 4, &codes, sizeof(codes));
          }
      for (; k < w.k; ++k)
        for (size_t i = n; i < n + 4; ++i) one(k, i);
    }
  } else if (w.column_stride == 1) {
    for (; n + 16 <= count; n += 16) {
      for (size_t g = 0; g < groups; ++g) {
        const uint8_t* rows[G];
        for (size_t i = 0; i < G; ++i) rows[i] = from + (g * G + i) * w.row_stride + n;
        interleave(rows, flip16, out + (g * width + n) * G);
      }
      for (size_t k = groups * G; k < w.k; ++k)
        for (size_t i = n; i < n + 16; ++i) one(k, i);
    }
    if constexpr (G == 4)
      for (; n + 4 <= count; n += 4) {
        for (size_t g = 0; g < groups; ++g)
          interleave_four(from + g * 4 * w.row_stride + n, w.row_stride, flip16,
                          out + (g * width + n) * 4);
        for (size_t k = groups * 4; k < w.k; ++k)
          for (size_t i = n; i < n + 4; ++i) one(k, i);
      }
  }
  for (size_t k = 0; k < w.k; ++k)
    for (size_t i = n; i < count; ++i) one(k, i);
}
