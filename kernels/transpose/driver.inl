// transpose over an instruction set's tile1, tile2, tile4 and tile8, squares of 16, 8, 8 and 4
// elements of so many bytes, and interleave3, which takes three rows of bytes to triples and gives
// for how many columns. Included inside an anonymous namespace after them and blocks.inl.

/// out[c][r] = in[r][c]; strides in bytes.
template <size_t kBytes, size_t kTile, void (*kTileFunction)(ConstBytes, size_t, Bytes, size_t)>
void transpose_block(ConstBytes in, size_t in_stride, Bytes out, size_t out_stride, size_t rows,
                     size_t columns) {
  if (kBytes == 1 && rows == 3 && out_stride == 3) {
    const size_t done = interleave3(in, in_stride, out, columns);
    in += done;
    out += done * 3;
    columns -= done;
  }
  if (rows < kTile || columns < kTile) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t c = 0; c < columns; ++c)
        __builtin_memcpy(out + c * out_stride + r * kBytes, in + r * in_stride + c * kBytes,
                         kBytes);
    return;
  }
  // The last tiles reach back over what is there already.
  for (size_t next_c = 0; next_c < columns; next_c += kTile) {
    const size_t c = smaller(next_c, columns - kTile);
    for (size_t next_r = 0; next_r < rows; next_r += kTile) {
      const size_t r = smaller(next_r, rows - kTile);
      kTileFunction(in + r * in_stride + c * kBytes, in_stride, out + c * out_stride + r * kBytes,
                    out_stride);
    }
  }
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
