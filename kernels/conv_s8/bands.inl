// Convolutions of few channels without a panel. Included inside an anonymous namespace after
// panel.inl.
//
// A band holds padded input rows as the tiles take their codes: what a kernel row reads for an
// output lies together, so that the rows of a tile are neighbouring outputs, and a segment of their
// depths is a kernel row. Depths that a segment has past those of its kernel row have weights of 0.

inline constexpr size_t kBandChannels = 4;
inline constexpr size_t kBandBytes = 16 * 1024;  // what should stay in the first cache

/// Whether copying a panel's rows would take long beside multiplying them. Spatial dims and batch
/// don't matter.
inline bool runs_in_bands(const ConvShape& s) {
  return kTakesSegments && s.groups == 1 && s.in_channels <= kBandChannels && s.kernel_h > 1 &&
         s.dilation_w == 1;
}

/// The cut of a convolution's output rows into bands.
struct Bands {
  size_t pitch;    // bytes of a padded input row
  size_t reach;    // input rows under one output row
  size_t most;     // output rows of a band
  size_t in_rows;  // input rows of a band
  size_t an_image;
  size_t sum_bytes;

  Bands(const ConvShape& s, size_t width)
      : pitch(round_up(columns(s) * s.in_channels * kCodeBytes, 64) + 64),
        reach((s.kernel_h - 1) * s.dilation_h + 1),
        sum_bytes(round_up(s.out_w * sizeof(int32_t), 64)) {
    const size_t fit = kBandBytes / pitch;
    const size_t wanted = width > 1 ? 2 * width : 1;
    most = fit > reach ? (fit - reach) / s.stride_h + 1 : 1;
    most = smaller(most, divide_up(s.out_h, divide_up(wanted, larger(s.batch, 1))));
    most = larger(most, 1);
    in_rows = (most - 1) * s.stride_h + reach;
    an_image = divide_up(s.out_h, most);
  }
  /// Columns of a padded input row that outputs read.
  static size_t columns(const ConvShape& s) { return (s.out_w - 1) * s.stride_w + s.kernel_w; }
  size_t bytes() const { return in_rows * pitch + sum_bytes; }
};

/// One padded row from `row`, the input's, or null for a row of padding. What it writes past the
/// row, less than 64 bytes, the next one overwrites.
inline void fill_band_row(const ConvShape& s, const ConvIo& io, const uint8_t* row,
                          const uint8_t* end, uint8_t* to) {
  const size_t columns = Bands::columns(s), channels = s.in_channels;
  const size_t stride = io.in_stride == 0 ? channels : io.in_stride;
  const bool crops = static_cast<ptrdiff_t>(s.pad_left) < 0;
  const size_t skipped = row != nullptr && crops ? smaller(-s.pad_left, s.in_w) : 0;
  const size_t left = row == nullptr ? columns : (crops ? 0 : smaller(s.pad_left, columns));
  const size_t inside = smaller(columns - left, s.in_w - skipped);
  if (row != nullptr) row += skipped * stride;
  const size_t pixel = channels * kCodeBytes;
  fill_codes(to, left * channels, io);
  to += left * pixel;
  if (stride == channels) {
    copy_codes(to, row, inside * channels, io, end);
    to += inside * pixel;
  } else {
    for (size_t x = 0; x < inside; ++x, to += pixel)
      copy_codes(to, row + x * stride, channels, io, end);
  }
  fill_codes(to, (columns - left - inside) * channels, io);
}

/// What a task works on: a band of one image.
struct Band {
  const ConvShape& s;
  const ConvIo& io;
  const Matrix& m;
  const Bands& bands;
  uint8_t* codes;
  int32_t* sums;

  void fill(size_t n, size_t first, size_t rows) const {
    const size_t stride = io.in_stride == 0 ? s.in_channels : io.in_stride;
    const auto* in = static_cast<const uint8_t*>(io.in);
    const uint8_t* end = in + (s.batch * s.in_h * s.in_w - 1) * stride + s.in_channels;
    for (size_t i = 0; i < (rows - 1) * s.stride_h + bands.reach; ++i) {
      const size_t y = first * s.stride_h + i - s.pad_top;  // wraps below zero
      const uint8_t* row = y < s.in_h ? in + (n * s.in_h + y) * s.in_w * stride : nullptr;
      fill_band_row(s, io, row, end, codes + i * bands.pitch);
    }
  }

  /// The windows of the band's output row `row`.
  Rows windows(size_t row) const {
    const uint8_t* from = codes + row * s.stride_h * bands.pitch;
    const size_t pitch = s.dilation_h * bands.pitch;
    const size_t step = s.stride_w * s.in_channels * kCodeBytes;
    if (m.has_zeros)
      for (size_t x = 0; x < s.out_w; ++x) {
        sums[x] = 0;
        for (size_t i = 0; i < s.kernel_h; ++i)
          sums[x] +=
              sum_codes(from + x * step + i * pitch, s.kernel_w * s.in_channels, panel_zero(io));
      }
    return {from, step, s.out_w, panel_zero(io), sums, s.kernel_h, pitch};
  }
};

inline void run_bands(const ConvShape& s, const Matrix& m, const ConvIo& io, const Target& target,
                      void* scratch, Parallel& parallel) {
  const Bands bands(s, parallel.width());
  const size_t macs = s.batch * s.out_h * s.out_w * s.out_channels * m.depth;
  for_each_in_slots(s.batch * bands.an_image, macs, parallel, [&](size_t task, size_t slot) {
    auto* own = static_cast<uint8_t*>(scratch) + slot * bands.bytes();
    const Band band{s,     io,  m,
                    bands, own, reinterpret_cast<int32_t*>(own + bands.in_rows * bands.pitch)};
    const size_t n = task / bands.an_image;
    const size_t first = task % bands.an_image * bands.most;
    const size_t rows = smaller(bands.most, s.out_h - first);
    band.fill(n, first, rows);
    for (size_t row = 0; row < rows; ++row) {
      multiply_rows(target, m, band.windows(row), 0, m.blocks(),
                    RowsAt{0, pixel_at(s, io.grid, n * s.out_h + first + row, 0), io.grid.column});
    }
  });
}
