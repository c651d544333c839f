// depthwise_s8 over blocks of channels. Included inside an anonymous namespace after finish.inl,
// slots.inl and an instruction set's block.inl, which defines
//   kBlock                            channels of a block
//   block_bytes(taps), pack_block     the packed block of kBlock channels
//   Block                             one block of one call: Block(target, io, packed, first,
//   count,
//                                     taps); run(taps_at, pixel) finishes one output pixel, where
//                                     taps_at(t) is the address of tap t's first channel; taps_at
//                                     takes t up to padded_taps(taps)
//   kPadBytes, kPadBefore             what may be read around a tap that is padding
//   pad_byte(io)                      the code of padding

inline constexpr size_t kHeaderBytes = 64;

inline size_t taps_of(const ConvShape& s) { return s.kernel_h * s.kernel_w; }

inline size_t packed_bytes(const ConvShape& s) {
  return kHeaderBytes + divide_up(s.out_channels, kBlock) * block_bytes(taps_of(s));
}

inline void pack(const ConvShape& s, const ConvWeights& w, void* packed) {
  auto* to = static_cast<uint8_t*>(packed);
  uint32_t has_zeros = w.zero_points == nullptr && !w.is_signed ? 1 : 0;
  for (size_t c = 0; w.zero_points != nullptr && c < s.out_channels; ++c)
    if (w.zero_points[c] != (w.is_signed ? 0 : 128)) has_zeros = 1;
  __builtin_memcpy(to, &has_zeros, sizeof(has_zeros));
  for (size_t first = 0; first < s.out_channels; first += kBlock)
    pack_block(w, first, smaller(kBlock, s.out_channels - first), taps_of(s),
               to + kHeaderBytes + first / kBlock * block_bytes(taps_of(s)));
}

/// By slot: an offset and an address for each tap.
inline size_t slot_bytes(const ConvShape& s) {
  return round_up(padded_taps(taps_of(s)) * (sizeof(size_t) + sizeof(void*)), 64);
}

inline size_t scratch_bytes(const ConvShape& s, size_t width) { return width * slot_bytes(s); }

/// One run of output pixels of one output row.
struct Run {
  const ConvShape& s;
  const ConvIo& io;
  size_t stride;                  // between input pixels
  size_t n, oy;                   // the output row
  size_t begin, end;              // its pixels
  size_t inner_begin, inner_end;  // those whose taps are all inside the input
  size_t* offsets;                // by tap, from the first tap
  const uint8_t** taps;           // by tap, for pixels that reach into padding

  const uint8_t* first_tap(size_t ox) const {
    const size_t y = oy * s.stride_h - s.pad_top;
    const size_t x = ox * s.stride_w - s.pad_left;
    return static_cast<const uint8_t*>(io.in) + ((n * s.in_h + y) * s.in_w + x) * stride;
  }

  void find_taps(size_t ox, size_t channel, const uint8_t* padding) const {
    size_t t = 0;
    for (size_t i = 0; i < s.kernel_h; ++i) {
      const size_t y = oy * s.stride_h + i * s.dilation_h - s.pad_top;  // wraps below zero
      for (size_t j = 0; j < s.kernel_w; ++j, ++t) {
        const size_t x = ox * s.stride_w + j * s.dilation_w - s.pad_left;
        taps[t] = y < s.in_h && x < s.in_w ? static_cast<const uint8_t*>(io.in) +
                                                 ((n * s.in_h + y) * s.in_w + x) * stride + channel
                                           : padding;
      }
    }
    for (; t < padded_taps(taps_of(s)); ++t) taps[t] = padding;
  }
};

inline Run make_run(const ConvShape& s, const ConvIo& io, size_t row, size_t begin, size_t end,
                    void* scratch) {
  const size_t padded = padded_taps(taps_of(s));
  auto* offsets = static_cast<size_t*>(scratch);
  Run run{s,
          io,
          io.in_stride == 0 ? s.in_channels : io.in_stride,
          row / s.out_h,
          row % s.out_h,
          begin,
          end,
          end,
          end,
          offsets,
          reinterpret_cast<const uint8_t**>(offsets + padded)};
  for (size_t t = 0; t < padded; ++t) {
    const size_t i = t / s.kernel_w * s.dilation_h;
    const size_t j = t % s.kernel_w * s.dilation_w;
    offsets[t] = t < taps_of(s) ? (i * s.in_w + j) * run.stride : 0;
  }
  const size_t top = run.oy * s.stride_h;
  const size_t reach_h = (s.kernel_h - 1) * s.dilation_h;
  const size_t reach_w = (s.kernel_w - 1) * s.dilation_w;
  if (top < s.pad_top || top + reach_h >= s.in_h + s.pad_top) return run;
  if (s.in_w + s.pad_left <= reach_w) return run;
  const size_t past = divide_up(s.in_w + s.pad_left - reach_w, s.stride_w);
  run.inner_begin = smaller(end, larger(begin, divide_up(s.pad_left, s.stride_w)));
  run.inner_end = larger(run.inner_begin, smaller(end, past));
  return run;
}

inline void run_block(const Run& run, const Block& block, size_t channel, const uint8_t* padding) {
  const size_t row = (run.n * run.s.out_h + run.oy) * run.s.out_w;
  auto border = [&](size_t begin, size_t end) {
    for (size_t ox = begin; ox < end; ++ox) {
      run.find_taps(ox, channel, padding);
      block.run([&](size_t t) { return run.taps[t]; }, row + ox);
    }
  };
  border(run.begin, run.inner_begin);
  const uint8_t* first = run.first_tap(run.inner_begin) + channel;
  for (size_t ox = run.inner_begin; ox < run.inner_end; ++ox) {
    block.run([&](size_t t) { return first + run.offsets[t]; }, row + ox);
    first += run.s.stride_w * run.stride;
  }
  border(run.inner_end, run.end);
}

inline void run(const ConvShape& s, const void* packed, const ConvIo& io,
                const ConvEpilogue& epilogue, void* scratch, Parallel& parallel) {
  const auto* weights = static_cast<const uint8_t*>(packed);
  uint32_t has_zeros = 0;
  __builtin_memcpy(&has_zeros, weights, sizeof(has_zeros));
  alignas(64) uint8_t padding[kPadBytes];
  __builtin_memset(padding, pad_byte(io), kPadBytes);
  const Target target = target_of(s, io, epilogue);
  const size_t rows = s.batch * s.out_h;
  const size_t cuts =
      rows >= 2 * parallel.width()
          ? 1
          : larger(1, smaller(divide_up(2 * parallel.width(), larger(rows, 1)), s.out_w / 8));
  const size_t macs = rows * s.out_w * s.out_channels * taps_of(s) * 4;  // memory bound
  for_each_in_slots(rows * cuts, macs, parallel, [&](size_t task, size_t slot) {
    const size_t cut = task % cuts;
    const Run run = make_run(s, io, task / cuts, s.out_w * cut / cuts, s.out_w * (cut + 1) / cuts,
                             static_cast<uint8_t*>(scratch) + slot * slot_bytes(s));
    for (size_t first = 0; first < s.out_channels; first += kBlock) {
      const Block block(target, io,
                        weights + kHeaderBytes + first / kBlock * block_bytes(taps_of(s)), first,
                        smaller(kBlock, s.out_channels - first), taps_of(s), has_zeros != 0);
      run_block(run, block, first, padding + kPadBefore);
    }
  });
}
