// conv_transpose_s8 over conv_s8's panel.inl. Output pixels whose rows and columns have the same
// remainders by the strides (a phase) read the same taps, so each phase is a convolution with a
// matrix of its own. Packed: a header of 64 bytes (uint32 has_zeros), then a matrix for each phase
// and group; depth runs over the phase's tap rows, tap columns, channels.

inline constexpr size_t kHeaderBytes = 64;

/// The taps that phase `remainder` reads along one axis: first, first + step, ...
struct PhaseTaps {
  size_t first, step, count;
};

inline PhaseTaps phase_taps(size_t remainder, size_t stride, size_t kernel, size_t dilation) {
  PhaseTaps taps{0, 0, 0};
  for (size_t t = 0; t < kernel; ++t) {
    if (t * dilation % stride != remainder) continue;
    if (taps.count == 0) taps.first = t;
    if (taps.count == 1) taps.step = t - taps.first;
    ++taps.count;
  }
  return taps;
}

/// One phase: (output position + pad) % stride is `remainder`.
struct Phase {
  PhaseTaps y, x;
  size_t first_oy, first_ox, rows, columns;  // its output pixels are every stride-th

  size_t depth(const ConvShape& s) const { return y.count * x.count * (s.in_channels / s.groups); }
};

inline Phase phase_of(const ConvShape& s, size_t index) {
  const size_t ry = index / s.stride_w, rx = index % s.stride_w;
  const size_t oy = (ry + s.stride_h - s.pad_top % s.stride_h) % s.stride_h;
  const size_t ox = (rx + s.stride_w - s.pad_left % s.stride_w) % s.stride_w;
  return {phase_taps(ry, s.stride_h, s.kernel_h, s.dilation_h),
          phase_taps(rx, s.stride_w, s.kernel_w, s.dilation_w),
          oy,
          ox,
          oy < s.out_h ? divide_up(s.out_h - oy, s.stride_h) : 0,
          ox < s.out_w ? divide_up(s.out_w - ox, s.stride_w) : 0};
}

inline size_t phase_bytes(const ConvShape& s, const Phase& phase) {
  return matrix_bytes(phase.depth(s), s.out_channels / s.groups);
}

inline size_t packed_bytes(const ConvShape& s) {
  size_t bytes = kHeaderBytes;
  for (size_t p = 0; p < s.stride_h * s.stride_w; ++p)
    bytes += s.groups * phase_bytes(s, phase_of(s, p));
  return bytes;
}

inline void pack(const ConvShape& s, const ConvWeights& w, void* packed) {
  auto* to = static_cast<uint8_t*>(packed);
  const uint32_t has_zeros = weights_have_zeros(w, s.out_channels) ? 1 : 0;
  __builtin_memcpy(to, &has_zeros, sizeof(has_zeros));
  to += kHeaderBytes;
  const size_t columns = s.out_channels / s.groups, channels = s.in_channels / s.groups;
  for (size_t p = 0; p < s.stride_h * s.stride_w; ++p) {
    const Phase phase = phase_of(s, p);
    for (size_t g = 0; g < s.groups; ++g, to += phase_bytes(s, phase))
      pack_matrix(to, phase.depth(s), columns, g * columns, w, [&](size_t k, size_t c) {
        const size_t tap = k / channels;
        const size_t i = phase.y.first + tap / phase.x.count * phase.y.step;
        const size_t j = phase.x.first + tap % phase.x.count * phase.x.step;
        return (((g * channels + k % channels) * columns + c) * s.kernel_h + i) * s.kernel_w + j;
      });
  }
}

inline size_t slot_bytes(const ConvShape& s) {
  return panel_bytes(s.kernel_h * s.kernel_w * (s.in_channels / s.groups));
}

inline size_t scratch_bytes(const ConvShape& s, size_t width) { return width * slot_bytes(s); }

/// Output pixel `row` of a phase.
struct Place {
  size_t n, oy, ox;
  size_t pixel(const ConvShape& s) const { return (n * s.out_h + oy) * s.out_w + ox; }
};

inline Place place_of(const ConvShape& s, const Phase& phase, size_t row) {
  return {row / (phase.rows * phase.columns),
          phase.first_oy + row / phase.columns % phase.rows * s.stride_h,
          phase.first_ox + row % phase.columns * s.stride_w};
}

inline void gather_place(const ConvShape& s, const ConvIo& io, const Phase& phase, size_t group,
                         Place at, uint8_t* to) {
  const size_t channels = s.in_channels / s.groups;
  const size_t stride = io.in_stride == 0 ? s.in_channels : io.in_stride;
  const auto* in = static_cast<const uint8_t*>(io.in) + group * channels;
  const uint8_t* end =
      in + ((s.batch * s.in_h * s.in_w - 1) * stride + s.in_channels) - group * channels;
  for (size_t i = 0; i < phase.y.count; ++i)
    for (size_t j = 0; j < phase.x.count; ++j, to += channels * kCodeBytes) {
      const size_t down = (phase.y.first + i * phase.y.step) * s.dilation_h;
      const size_t right = (phase.x.first + j * phase.x.step) * s.dilation_w;
      const size_t y = (at.oy + s.pad_top - down) / s.stride_h;
      const size_t x = (at.ox + s.pad_left - right) / s.stride_w;
      if (at.oy + s.pad_top >= down && at.ox + s.pad_left >= right && y < s.in_h && x < s.in_w)
        copy_codes(to, in + ((at.n * s.in_h + y) * s.in_w + x) * stride, channels, io, end);
      else
        fill_codes(to, channels, io);
    }
}

inline Rows gather(const ConvShape& s, const ConvIo& io, const Phase& phase, const Matrix& m,
                   size_t group, size_t begin, size_t end, void* scratch) {
  const size_t stride = panel_stride(m.depth);
  auto* panel = static_cast<uint8_t*>(scratch);
  auto* sums = reinterpret_cast<int32_t*>(panel + kMaxPanelRows * stride);
  for (size_t row = begin; row < end; ++row) {
    uint8_t* to = panel + (row - begin) * stride;
    gather_place(s, io, phase, group, place_of(s, phase, row), to);
    if (m.has_zeros) sums[row - begin] = sum_codes(to, m.depth, panel_zero(io));
  }
  return {panel, stride, end - begin, panel_zero(io), sums};
}

inline void run(const ConvShape& s, const void* packed, const ConvIo& io,
                const ConvEpilogue& epilogue, void* scratch, Parallel& parallel) {
  const auto* weights = static_cast<const uint8_t*>(packed);
  uint32_t has_zeros = 0;
  __builtin_memcpy(&has_zeros, weights, sizeof(has_zeros));
  weights += kHeaderBytes;
  const size_t columns = s.out_channels / s.groups;
  const Target target = target_of(s, io, epilogue);
  for (size_t p = 0; p < s.stride_h * s.stride_w; ++p) {
    const Phase phase = phase_of(s, p);
    const size_t pixels = s.batch * phase.rows * phase.columns;
    const size_t depth = phase.depth(s);
    const uint8_t* matrices = weights;
    weights += s.groups * phase_bytes(s, phase);
    if (pixels == 0) continue;
    const Cut cut(pixels, divide_up(columns, kLanes), s.groups, parallel.width());
    const size_t macs = pixels * s.out_channels * depth;
    for_each_in_slots(cut.tasks() * s.groups, macs, parallel, [&](size_t task, size_t slot) {
      const size_t group = task / cut.tasks();
      const size_t panel = task % cut.tasks() / cut.runs;
      const size_t run = task % cut.runs;
      const size_t begin = cut.row_at(panel);
      const Matrix m = matrix_at(matrices + group * phase_bytes(s, phase), depth, columns,
                                 group * columns, has_zeros != 0);
      const Rows rows = gather(s, io, phase, m, group, begin, cut.row_at(panel + 1),
                               static_cast<uint8_t*>(scratch) + slot * slot_bytes(s));
      for (size_t row = 0, count; row < rows.count; row += count) {
        const size_t ox = (begin + row) % phase.columns;
        count = smaller(rows.count - row, phase.columns - ox);
        const Rows part{rows.data + row * rows.stride, rows.stride, count, rows.zero,
                        rows.sums + row};
        multiply_rows<Ends::few>(target, m, part, cut.block_at(run), cut.block_at(run + 1),
                                 RowsAt{0, place_of(s, phase, begin + row).pixel(s), s.stride_w});
      }
    });
  }
}
