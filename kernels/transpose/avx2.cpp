#include <immintrin.h>

#include "kernels/transpose/transpose.h"

namespace octet::kernels {
namespace {

#include "kernels/transpose/blocks.inl"

__m128i load128(ConstBytes p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
void store128(Bytes p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

// Rows i and i + 8 share a register, so that each 128-bit half has eight of a column's bytes.
void tile1(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  __m256i rows[8], twos[8], fours[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i)
    rows[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(load128(in + i * in_stride)),
                                      load128(in + (i + 8) * in_stride), 1);
    // Pairs of rows: columns 0 to 7, then 8 to 15.
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    twos[i] = _mm256_unpacklo_epi8(rows[2 * i], rows[2 * i + 1]);
    twos[4 + i] = _mm256_unpackhi_epi8(rows[2 * i], rows[2 * i + 1]);
  }
  // Fours of rows: two registers for every four columns.
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    const size_t to = i / 2 * 4 + i % 2;
    fours[to] = _mm256_unpacklo_epi16(twos[2 * i], twos[2 * i + 1]);
    fours[to + 2] = _mm256_unpackhi_epi16(twos[2 * i], twos[2 * i + 1]);
  }
  const auto store = [&](size_t column, __m256i eights) __attribute__((always_inline)) {
    const __m256i columns = _mm256_permute4x64_epi64(eights, 0xD8);
    store128(out + column * out_stride, _mm256_castsi256_si128(columns));
    store128(out + (column + 1) * out_stride, _mm256_extracti128_si256(columns, 1));
  };
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    store(4 * i, _mm256_unpacklo_epi32(fours[2 * i], fours[2 * i + 1]));
    store(4 * i + 2, _mm256_unpackhi_epi32(fours[2 * i], fours[2 * i + 1]));
  }
}

/// By row and part of 16 bytes: byte i of the 48 is byte i / 3 of row i % 3; where that is another
/// row the index has its top bit set, and a shuffle gives 0.
struct Triples {
  alignas(16) uint8_t pick[3][3][16];
};

constexpr Triples kTriples = [] {
  Triples t{};
  for (size_t row = 0; row < 3; ++row)
    for (size_t i = 0; i < 48; ++i)
      t.pick[row][i / 16][i % 16] = i % 3 == row ? static_cast<uint8_t>(i / 3) : 0x80;
  return t;
}();

/// Takes three rows to triples of bytes, 16 at a time; gives how many.
size_t interleave3(ConstBytes in, size_t in_stride, Bytes out, size_t columns) {
  size_t c = 0;
  for (; c + 16 <= columns; c += 16, out += 48) {
    const __m128i rows[3] = {load128(in + c), load128(in + in_stride + c),
                             load128(in + 2 * in_stride + c)};
    for (size_t part = 0; part < 3; ++part) {
      const auto bytes_of = [&](size_t row) {
        return _mm_shuffle_epi8(rows[row], load128(kTriples.pick[row][part]));
      };
      store128(out + part * 16, _mm_or_si128(_mm_or_si128(bytes_of(0), bytes_of(1)), bytes_of(2)));
    }
  }
  return c;
}

void interleave8(const __m128i in[8], __m128i out[8]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = _mm_unpacklo_epi16(in[i], in[i + 4]);
    out[2 * i + 1] = _mm_unpackhi_epi16(in[i], in[i + 4]);
  }
}

void tile2(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  __m128i a[8], b[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) a[i] = load128(in + i * in_stride);
  interleave8(a, b);
  interleave8(b, a);
  interleave8(a, b);
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; ++i) store128(out + i * out_stride, b[i]);
}

// Rows i and i + 4 share a register, so that each 128-bit half is a 4x4 transposition of its own.
void tile4(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  for (size_t half = 0; half < 2; ++half) {
    __m256 rows[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      const __m128i lower = load128(in + i * in_stride + half * 16);
      const __m128i upper = load128(in + (i + 4) * in_stride + half * 16);
      rows[i] =
          _mm256_castsi256_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(lower), upper, 1));
    }
    const __m256 t0 = _mm256_unpacklo_ps(rows[0], rows[1]);
    const __m256 t1 = _mm256_unpackhi_ps(rows[0], rows[1]);
    const __m256 t2 = _mm256_unpacklo_ps(rows[2], rows[3]);
    const __m256 t3 = _mm256_unpackhi_ps(rows[2], rows[3]);
    auto* to = out + half * 4 * out_stride;
    auto store = [&](size_t i, __m256 v) {
      _mm256_storeu_ps(reinterpret_cast<float*>(to + i * out_stride), v);
    };
    store(0, _mm256_shuffle_ps(t0, t2, 0x44));
    store(1, _mm256_shuffle_ps(t0, t2, 0xEE));
    store(2, _mm256_shuffle_ps(t1, t3, 0x44));
    store(3, _mm256_shuffle_ps(t1, t3, 0xEE));
  }
}

void tile8(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  for (size_t half = 0; half < 2; ++half) {
    __m256i rows[2];
#pragma GCC unroll 2
    for (size_t i = 0; i < 2; ++i)
      rows[i] =
          _mm256_inserti128_si256(_mm256_castsi128_si256(load128(in + i * in_stride + half * 16)),
                                  load128(in + (i + 2) * in_stride + half * 16), 1);
    auto* to = out + half * 2 * out_stride;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_unpacklo_epi64(rows[0], rows[1]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + out_stride),
                        _mm256_unpackhi_epi64(rows[0], rows[1]));
  }
}

#include "kernels/transpose/driver.inl"

}  // namespace

extern const TransposeTable transpose_avx2;
const TransposeTable transpose_avx2{run};

}  // namespace octet::kernels
