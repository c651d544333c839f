#include <immintrin.h>

#include "kernels/transpose/transpose.h"

namespace octet::kernels {
namespace {

using Bytes = uint8_t*;
using ConstBytes = const uint8_t*;

/// Elements a side of the blocks that tasks are made of: in and out fit the first cache together.
constexpr size_t kBlock = 64;
constexpr size_t kBytesPerTask = 1 << 16;

size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

__m128i load128(ConstBytes p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
void store128(Bytes p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }

/// One step of a transposition of 16 rows: rows i and i + 8 are interleaved into 2i and 2i + 1.
/// Four steps make it whole.
void interleave16(const __m128i in[16], __m128i out[16]) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    out[2 * i] = _mm_unpacklo_epi8(in[i], in[i + 8]);
    out[2 * i + 1] = _mm_unpackhi_epi8(in[i], in[i + 8]);
  }
}

void tile1(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride) {
  __m128i a[16], b[16];
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; ++i) a[i] = load128(in + i * in_stride);
  interleave16(a, b);
  interleave16(b, a);
  interleave16(a, b);
  interleave16(b, a);
#pragma GCC unroll 16
  for (size_t i = 0; i < 16; ++i) store128(out + i * out_stride, a[i]);
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

/// out[c][r] = in[r][c]; strides in bytes.
template <size_t kBytes, size_t kTile, void (*kTileFunction)(ConstBytes, size_t, Bytes, size_t)>
void transpose_block(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride, size_t rows,
                     size_t columns) {
  const size_t whole_rows = rows / kTile * kTile;
  const size_t whole_columns = columns / kTile * kTile;
  for (size_t c = 0; c < whole_columns; c += kTile)
    for (size_t r = 0; r < whole_rows; r += kTile)
      kTileFunction(in + r * in_stride + c * kBytes, in_stride, out + c * out_stride + r * kBytes,
                    out_stride);
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c)
      __builtin_memcpy(out + c * out_stride + r * kBytes, in + r * in_stride + c * kBytes, kBytes);
}

using BlockFunction = void (*)(ConstBytes, size_t, Bytes, size_t, size_t, size_t);

BlockFunction block_function(size_t element_bytes) {
  switch (element_bytes) {
    case 1: return transpose_block<1, 16, tile1>;
    case 2: return transpose_block<2, 8, tile2>;
    case 4: return transpose_block<4, 8, tile4>;
    default: return transpose_block<8, 4, tile8>;
  }
}

/// A permutation in bytes, by output axis; axes that stay neighbours are one.
struct Axes {
  size_t rank = 0;
  size_t dims[kMaxTransposeRank] = {};
  size_t in_strides[kMaxTransposeRank] = {};
  size_t out_strides[kMaxTransposeRank] = {};
};

Axes axes_of(const TransposeArgs& a) {
  Axes axes;
  for (size_t i = 0; i < a.rank; ++i) {
    const size_t dim = a.in_dims[a.permutation[i]];
    if (dim == 1) continue;
    size_t stride = a.element_bytes;
    for (size_t j = a.permutation[i] + 1; j < a.rank; ++j) stride *= a.in_dims[j];
    if (axes.rank > 0 && axes.in_strides[axes.rank - 1] == stride * dim) {
      axes.dims[axes.rank - 1] *= dim;
      axes.in_strides[axes.rank - 1] = stride;
      continue;
    }
    axes.dims[axes.rank] = dim;
    axes.in_strides[axes.rank++] = stride;
  }
  size_t stride = a.element_bytes;
  for (size_t i = axes.rank; i-- > 0; stride *= axes.dims[i]) axes.out_strides[i] = stride;
  return axes;
}

void remove_axis(Axes& axes, size_t axis) {
  --axes.rank;
  for (size_t i = axis; i < axes.rank; ++i) {
    axes.dims[i] = axes.dims[i + 1];
    axes.in_strides[i] = axes.in_strides[i + 1];
    axes.out_strides[i] = axes.out_strides[i + 1];
  }
}

struct Offsets {
  size_t in = 0, out = 0;
};

/// Where the `index`th combination of the axes lies.
Offsets offsets_of(const Axes& axes, size_t index) {
  Offsets o;
  for (size_t i = axes.rank; i-- > 0; index /= axes.dims[i]) {
    o.in += index % axes.dims[i] * axes.in_strides[i];
    o.out += index % axes.dims[i] * axes.out_strides[i];
  }
  return o;
}

size_t count_of(const Axes& axes) {
  size_t count = 1;
  for (size_t i = 0; i < axes.rank; ++i) count *= axes.dims[i];
  return count;
}

/// Rows of `bytes` contiguous bytes on both sides.
void copy_rows(const TransposeArgs& a, const Axes& axes, size_t bytes, Parallel& parallel) {
  const size_t grain = 1 + kBytesPerTask / bytes;
  parallel.for_ranges(count_of(axes), grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const Offsets o = offsets_of(axes, i);
      __builtin_memcpy(static_cast<Bytes>(a.out) + o.out, static_cast<ConstBytes>(a.in) + o.in,
                       bytes);
    }
  });
}

void run(const TransposeArgs& a, Parallel& parallel) {
  for (size_t i = 0; i < a.rank; ++i)
    if (a.in_dims[i] == 0) return;
  Axes axes = axes_of(a);
  if (axes.rank == 0 || axes.in_strides[axes.rank - 1] == a.element_bytes) {
    const size_t bytes = a.element_bytes * (axes.rank == 0 ? 1 : axes.dims[axes.rank - 1]);
    if (axes.rank > 0) remove_axis(axes, axes.rank - 1);
    copy_rows(a, axes, bytes, parallel);
    return;
  }
  // The planes of a tile: `rows` is contiguous in the output, `columns` in the input.
  size_t column_axis = 0;
  while (axes.in_strides[column_axis] != a.element_bytes) ++column_axis;
  const size_t rows = axes.dims[axes.rank - 1];
  const size_t in_stride = axes.in_strides[axes.rank - 1];
  const size_t columns = axes.dims[column_axis];
  const size_t out_stride = axes.out_strides[column_axis];
  remove_axis(axes, axes.rank - 1);
  remove_axis(axes, column_axis);
  const BlockFunction block = block_function(a.element_bytes);
  const size_t row_blocks = (rows + kBlock - 1) / kBlock;
  const size_t column_blocks = (columns + kBlock - 1) / kBlock;
  const size_t blocks = row_blocks * column_blocks;
  const size_t block_bytes = smaller(rows, kBlock) * smaller(columns, kBlock) * a.element_bytes;
  const size_t grain = 1 + kBytesPerTask / block_bytes;
  parallel.for_ranges(count_of(axes) * blocks, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const Offsets o = offsets_of(axes, i / blocks);
      const size_t r = i % blocks / column_blocks * kBlock;
      const size_t c = i % column_blocks * kBlock;
      block(static_cast<ConstBytes>(a.in) + o.in + r * in_stride + c * a.element_bytes, in_stride,
            static_cast<Bytes>(a.out) + o.out + c * out_stride + r * a.element_bytes, out_stride,
            smaller(kBlock, rows - r), smaller(kBlock, columns - c));
    }
  });
}

}  // namespace

extern const TransposeTable transpose_avx2;
const TransposeTable transpose_avx2{run};

}  // namespace octet::kernels
