// conv_s8 over panel.inl and bands.inl. Packed: a header of 64 bytes (uint32 has_zeros), then a
// matrix a group; depth runs over kernel rows, kernel columns, channels.

inline constexpr size_t kHeaderBytes = 64;

/// The depths of one kernel row; for bands, those that bands.inl adds among them.
inline size_t row_depth(const ConvShape& s) {
  const size_t depth = s.kernel_w * (s.in_channels / s.groups);
  return runs_in_bands(s) ? round_up(depth, kGroup) : depth;
}
inline size_t depth_of(const ConvShape& s) { return s.kernel_h * row_depth(s); }

inline size_t group_bytes(const ConvShape& s) {
  return matrix_bytes(depth_of(s), s.out_channels / s.groups);
}

inline size_t packed_bytes(const ConvShape& s) { return kHeaderBytes + s.groups * group_bytes(s); }

inline void pack(const ConvShape& s, const ConvWeights& w, void* packed) {
  auto* to = static_cast<uint8_t*>(packed);
  const uint32_t has_zeros = weights_have_zeros(w, s.out_channels) ? 1 : 0;
  __builtin_memcpy(to, &has_zeros, sizeof(has_zeros));
  const size_t columns = s.out_channels / s.groups;
  const size_t channels = s.in_channels / s.groups;
  const size_t taps = s.kernel_h * s.kernel_w;
  for (size_t g = 0; g < s.groups; ++g)
    pack_matrix(to + kHeaderBytes + g * group_bytes(s), depth_of(s), columns, g * columns, w,
                [&](size_t k, size_t c) {
                  const size_t y = k / row_depth(s), x = k % row_depth(s);
                  if (x >= s.kernel_w * channels) return kNoWeight;
                  const size_t tap = y * s.kernel_w + x / channels;
                  return ((g * columns + c) * channels + x % channels) * taps + tap;
                });
}

inline size_t slot_bytes(const ConvShape& s) { return panel_bytes(depth_of(s)); }

inline size_t scratch_bytes(const ConvShape& s, size_t width) {
  return width * (runs_in_bands(s) ? Bands(s, width).bytes() : slot_bytes(s));
}

/// Whether the input itself is a panel: rows of a 1x1 convolution that need no conversion.
inline bool reads_in_place(const ConvShape& s, const ConvIo& io) {
  return kCodeBytes == 1 && panel_zero(io) == io.in_zero_point && depth_of(s) % kGroup == 0 &&
         s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 &&
         s.pad_top == 0 && s.pad_left == 0 && s.out_h == s.in_h && s.out_w == s.in_w;
}

/// How many rows a panel has that needs no memory, by what a row reads and writes: what several
/// blocks of columns pass over should stay in the first cache.
inline size_t rows_in_place(size_t row_bytes) {
  return smaller(larger(kPanelRows, 24 * 1024 / row_bytes), 8 * kPanelRows);
}

/// Where rows of a panel come from: the channels of one group.
struct Source {
  const ConvShape& s;
  const ConvIo& io;
  size_t channels, stride;
  const uint8_t *in, *end;

  Source(const ConvShape& shape, const ConvIo& from, size_t group)
      : s(shape),
        io(from),
        channels(shape.in_channels / shape.groups),
        stride(from.in_stride == 0 ? shape.in_channels : from.in_stride),
        in(static_cast<const uint8_t*>(from.in) + group * channels),
        end(static_cast<const uint8_t*>(from.in) +
            (shape.batch * shape.in_h * shape.in_w - 1) * stride + shape.in_channels) {}
  size_t row_bytes() const { return s.kernel_w * channels * kCodeBytes; }
};

/// Gathers one kernel row's taps of one output pixel: `row` is the input row, `x` the first tap's
/// column (it wraps below zero).
inline void gather_taps(const Source& from, const uint8_t* row, size_t x, uint8_t* to) {
  const ConvShape& s = from.s;
  if (s.dilation_w == 1 && from.stride == from.channels && x < s.in_w && s.in_w - x >= s.kernel_w) {
    copy_codes(to, row + x * from.stride, s.kernel_w * from.channels, from.io, from.end);
    return;
  }
  for (size_t j = 0; j < s.kernel_w; ++j, to += from.channels * kCodeBytes) {
    const size_t at = x + j * s.dilation_w;
    if (at < s.in_w)
      copy_codes(to, row + at * from.stride, from.channels, from.io, from.end);
    else
      fill_codes(to, from.channels, from.io);
  }
}

/// Gathers `count` pixels of one output row, from column `ox` on, to rows that lie `step` apart.
inline void gather_pixels(const Source& from, size_t n, size_t oy, size_t ox, size_t count,
                          uint8_t* to, size_t step) {
  const ConvShape& s = from.s;
  // Kernel rows in their order: what a copy writes past its codes, the next one overwrites.
  for (size_t i = 0; i < s.kernel_h; ++i, to += from.row_bytes()) {
    const size_t y = oy * s.stride_h + i * s.dilation_h - s.pad_top;  // wraps below zero
    if (y >= s.in_h) {
      for (size_t p = 0; p < count; ++p)
        fill_codes(to + p * step, s.kernel_w * from.channels, from.io);
      continue;
    }
    const uint8_t* row = from.in + (n * s.in_h + y) * s.in_w * from.stride;
    for (size_t p = 0; p < count; ++p)
      gather_taps(from, row, (ox + p) * s.stride_w - s.pad_left, to + p * step);
  }
}

inline Rows gather(const ConvShape& s, const ConvIo& io, const Matrix& m, size_t group,
                   size_t begin, size_t end, void* scratch) {
  const size_t stride = panel_stride(m.depth);
  const Source from(s, io, group);
  auto* panel = static_cast<uint8_t*>(scratch);
  auto* sums = reinterpret_cast<int32_t*>(panel + kMaxPanelRows * stride);
  for (size_t pixel = begin; pixel < end;) {
    const size_t row = pixel / s.out_w, ox = pixel % s.out_w;
    const size_t count = smaller(end - pixel, s.out_w - ox);
    gather_pixels(from, row / s.out_h, row % s.out_h, ox, count, panel + (pixel - begin) * stride,
                  stride);
    pixel += count;
  }
  if (m.has_zeros)
    for (size_t row = 0; row < end - begin; ++row)
      sums[row] = sum_codes(panel + row * stride, m.depth, panel_zero(io));
  return {panel, stride, end - begin, panel_zero(io), sums};
}

/// multiply_rows() for the outputs from `first` on.
inline void multiply_outputs(const ConvShape& s, const ConvIo& io, const Target& target,
                             const Matrix& m, const Rows& rows, size_t begin, size_t end,
                             size_t first) {
  if (io.grid.row == 0) return multiply_rows(target, m, rows, begin, end, RowsAt{0, first, 1});
  for (size_t row = 0, count; row < rows.count; row += count) {
    const size_t ox = (first + row) % s.out_w;
    count = smaller(rows.count - row, s.out_w - ox);
    Rows part = rows;
    part.data += row * rows.stride;
    part.count = count;
    if (rows.sums != nullptr) part.sums += row;
    multiply_rows(target, m, part, begin, end,
                  RowsAt{0, pixel_at(s, io.grid, (first + row) / s.out_w, ox), io.grid.column});
  }
}

inline void run(const ConvShape& s, const void* packed, const ConvIo& io,
                const ConvEpilogue& epilogue, void* scratch, Parallel& parallel) {
  const auto* weights = static_cast<const uint8_t*>(packed);
  uint32_t has_zeros = 0;
  __builtin_memcpy(&has_zeros, weights, sizeof(has_zeros));
  const size_t columns = s.out_channels / s.groups;
  const size_t pixels = s.batch * s.out_h * s.out_w;
  const size_t stride = io.in_stride == 0 ? s.in_channels : io.in_stride;
  const bool in_place = reads_in_place(s, io) && has_zeros == 0;
  const Target target = target_of(s, io, epilogue);
  if (runs_in_bands(s)) {
    const Matrix m = matrix_at(weights + kHeaderBytes, depth_of(s), columns, 0, has_zeros != 0);
    return run_bands(s, m, io, target, scratch, parallel);
  }
  const bool padded = padded_depth(depth_of(s)) != depth_of(s);
  const size_t panel_rows = in_place && !padded ? rows_in_place(depth_of(s) + columns) : kPanelRows;
  const Cut cut(pixels, divide_up(columns, kLanes), s.groups, parallel.width(), panel_rows);
  const size_t macs = pixels * s.out_channels * depth_of(s);
  for_each_in_slots(cut.tasks() * s.groups, macs, parallel, [&](size_t task, size_t slot) {
    const size_t group = task / cut.tasks();
    const size_t panel = task % cut.tasks() / cut.runs;
    const size_t run = task % cut.runs;
    const size_t begin = cut.row_at(panel);
    const size_t end = cut.row_at(panel + 1);
    const Matrix m = matrix_at(weights + kHeaderBytes + group * group_bytes(s), depth_of(s),
                               columns, group * columns, has_zeros != 0);
    const uint8_t* first =
        static_cast<const uint8_t*>(io.in) + begin * stride + group * (s.in_channels / s.groups);
    // Rows are read up to the padded depth: the last ones of the input have nothing behind them.
    const size_t behind = (pixels - end) * stride;
    const bool here = in_place && behind + depth_of(s) >= padded_depth(depth_of(s));
    const Rows rows = here ? Rows{first, stride, end - begin, panel_zero(io), nullptr}
                           : gather(s, io, m, group, begin, end,
                                    static_cast<uint8_t*>(scratch) + slot * slot_bytes(s));
    multiply_outputs(s, io, target, m, rows, cut.block_at(run), cut.block_at(run + 1), begin);
  });
}
