// conv_s8 by tiles of 4x4 outputs. Included inside an anonymous namespace after finish.inl,
// slots.inl, an instruction set's words and tile files, and transform.inl.
//
// Exact: codes are taken as s8 (u8 ones less 128), so transformed codes stay within 100 * 255 and
// transformed weights, less their zero points, within 49 * 255: both are s16. Products are summed
// modulo 2^32. A sum of the convolution is below 2^25 in magnitude (winograd_s8_takes) and comes
// times 9 * 2^k with k <= 6: what 2^32 leaves of it, divided by 9, has all of its bits.
//
// Packed: int32 sums[] by column, then s16 weights by block of 16 columns, product, pair of
// channels, column, channel.

inline constexpr size_t kLanes = 16;
inline constexpr size_t kChunk = kChunkBlocks * kLanes;

inline size_t blocks_of(const ConvShape& s) { return divide_up(s.out_channels, kLanes); }
/// s16 weights of a block and product.
inline size_t product_words(const ConvShape& s) { return s.in_channels * kLanes; }
inline size_t block_words(const ConvShape& s) { return kProducts * product_words(s); }
inline size_t sum_bytes(const ConvShape& s) { return blocks_of(s) * kLanes * sizeof(int32_t); }

inline size_t packed_bytes(const ConvShape& s) {
  return sum_bytes(s) + blocks_of(s) * block_words(s) * sizeof(int16_t);
}

/// The 36 transformed weights of one input and output channel; `sum` grows by the weights.
inline void transform_kernel(const ConvWeights& w, size_t first, int32_t zero,
                             int32_t (&u)[kReach][kReach], int32_t& sum) {
  int32_t columns[3][kReach];
  for (size_t x = 0; x < 3; ++x) {
    int32_t kernel[3];
    for (size_t y = 0; y < 3; ++y) {
      const size_t at = first + y * 3 + x;
      kernel[y] = (w.is_signed ? static_cast<const int8_t*>(w.data)[at]
                               : static_cast<const uint8_t*>(w.data)[at]) -
                  zero;
      sum += kernel[y];
    }
    transform_weights(kernel, columns[x]);
  }
  for (size_t i = 0; i < kReach; ++i) {
    const int32_t row[3] = {columns[0][i], columns[1][i], columns[2][i]};
    transform_weights(row, u[i]);
  }
}

/// Packs channels `channel` and `channel` + 1 of a block of columns.
inline void pack_pair(const ConvShape& s, const ConvWeights& w, size_t block, size_t channel,
                      int16_t* to, int32_t* sums) {
  int16_t words[kProducts][2 * kLanes] = {};
  const size_t first = block * kLanes;
  for (size_t i = 0; i < 2 * smaller(kLanes, s.out_channels - first); ++i) {
    const size_t k = first + i / 2;
    int32_t u[kReach][kReach];
    transform_kernel(w, (k * s.in_channels + channel + i % 2) * 9,
                     w.zero_points != nullptr ? w.zero_points[k] : 0, u, sums[k]);
    for (size_t p = 0; p < kProducts; ++p)
      words[p][i] = static_cast<int16_t>(u[p / kReach][p % kReach]);
  }
  for (size_t p = 0; p < kProducts; ++p)
    __builtin_memcpy(to + p * product_words(s), words[p], sizeof(words[p]));
}

inline void pack(const ConvShape& s, const ConvWeights& w, void* packed) {
  auto* sums = static_cast<int32_t*>(packed);
  auto* words = reinterpret_cast<int16_t*>(static_cast<uint8_t*>(packed) + sum_bytes(s));
  __builtin_memset(sums, 0, sum_bytes(s));
  for (size_t block = 0; block < blocks_of(s); ++block)
    for (size_t c = 0; c < s.in_channels; c += 2)
      pack_pair(s, w, block, c, words + block * block_words(s) + c * kLanes, sums);
}

/// How the tiles of all images are spread over tasks, and where a task keeps what it makes.
struct Cut {
  size_t across, down, tiles, tasks, most;  // `most` tiles make a task

  Cut(const ConvShape& s, size_t width)
      : across(divide_up(s.out_w, kTile)),
        down(divide_up(s.out_h, kTile)),
        tiles(s.batch * across * down) {
    // Transformed codes and sums are to stay in the second cache, and weights are read once a task.
    const size_t fit = larger(smaller(4096 / s.in_channels, 4 * kTileRows), kTileRows);
    tasks = divide_up(tiles, fit);
    if (width > 1) tasks = larger(tasks, smaller(2 * width, divide_up(tiles, 4)));
    most = divide_up(tiles, larger(tasks, 1));
  }
  size_t tile_at(size_t task) const { return tiles * task / tasks; }
};

// A cache line more than the data, so that a tile's 36 places don't share cache sets.
inline size_t word_step(const ConvShape& s, size_t tiles) {
  return tiles * s.in_channels * sizeof(int16_t) + 64;
}
inline size_t sum_step(size_t tiles) { return tiles * kChunk + kLanes; }

inline size_t slot_bytes(const ConvShape& s, size_t tiles) {
  return round_up(s.in_channels, 64) + kProducts * word_step(s, tiles) +
         kProducts * sum_step(tiles) * sizeof(int32_t);
}
inline size_t scratch_bytes(const ConvShape& s, size_t width) {
  return width * slot_bytes(s, Cut(s, width).most);
}

/// One tile: its first output.
struct Place {
  size_t n, y, x;
  Place(const Cut& cut, size_t tile)
      : n(tile / (cut.across * cut.down)),
        y(tile / cut.across % cut.down * kTile),
        x(tile % cut.across * kTile) {}
};

/// What a task works on.
struct Task {
  const ConvShape& s;
  const ConvIo& io;
  const Cut& cut;
  size_t begin, end;  // tiles
  uint8_t* padding;   // a pixel of zero points
  uint8_t* words;     // by product, tile, channel
  int32_t* sums;      // by product, tile, column of the chunk

  size_t count() const { return end - begin; }
};

template <bool kSigned>
__attribute__((noinline)) void transform_codes(const uint8_t* const (&pixels)[kProducts],
                                               size_t channels, uint8_t* to, size_t step) {
  const Words shift = set_words(36 * 128);  // what u8 codes less 128 lack in one product
  for (size_t c = 0; c < channels; c += kWords, to += kWords * sizeof(int16_t)) {
    Words half[kReach][kReach], v[kReach];
    for (size_t x = 0; x < kReach; ++x) {
      Words d[kReach];
      simd::unroll<kReach>(
          [&](auto y) { d[y] = load_code_words<kSigned>(pixels[y * kReach + x] + c); });
      transform_inputs(d, v);
      simd::unroll<kReach>([&](auto y) { half[y][x] = v[y]; });
    }
    for (size_t y = 0; y < kReach; ++y) {
      transform_inputs(half[y], v);
      if (!kSigned && y == 1) v[1] = sub(v[1], shift);
      simd::unroll<kReach>([&](auto x) { store_words(to + (y * kReach + x) * step, v[x]); });
    }
  }
}

inline void transform_tiles(const Task& t) {
  const auto* in = static_cast<const uint8_t*>(t.io.in);
  const size_t stride = t.io.in_stride == 0 ? t.s.in_channels : t.io.in_stride;
  const size_t step = word_step(t.s, t.count());
  for (size_t tile = t.begin; tile < t.end; ++tile) {
    const Place at(t.cut, tile);
    const uint8_t* pixels[kProducts];
    for (size_t i = 0; i < kReach; ++i) {
      const size_t y = at.y + i - t.s.pad_top;  // wraps below zero
      for (size_t j = 0; j < kReach; ++j) {
        const size_t x = at.x + j - t.s.pad_left;
        const bool inside = y < t.s.in_h && x < t.s.in_w;
        pixels[i * kReach + j] =
            inside ? in + ((at.n * t.s.in_h + y) * t.s.in_w + x) * stride : t.padding;
      }
    }
    uint8_t* to = t.words + (tile - t.begin) * t.s.in_channels * sizeof(int16_t);
    if (t.io.in_signed)
      transform_codes<true>(pixels, t.s.in_channels, to, step);
    else
      transform_codes<false>(pixels, t.s.in_channels, to, step);
  }
}

/// The sums of `blocks` blocks.
inline void multiply_chunk(const Task& t, const int16_t* weights, size_t blocks) {
  const size_t row = t.s.in_channels * sizeof(int16_t);
  for (size_t p = 0; p < kProducts; ++p) {
    const uint8_t* a = t.words + p * word_step(t.s, t.count());
    int32_t* to = t.sums + p * sum_step(t.count());
    for (size_t b = 0; b < blocks; b += kTileBlocks)
      for (size_t r = 0; r < t.count(); r += kTileRows)
        multiply(smaller(kTileRows, t.count() - r), smaller(kTileBlocks, blocks - b), a + r * row,
                 row, t.s.in_channels / 2, weights + b * block_words(t.s) + p * product_words(t.s),
                 block_words(t.s), to + r * kChunk + b * kLanes, kChunk);
  }
}

/// The sums of the convolution for 4x4 outputs and 16 columns.
inline void transform_sums(const int32_t* from, size_t step, Ints (&y)[kTile][kTile]) {
  Ints half[kTile][kReach];
  for (size_t x = 0; x < kReach; ++x) {
    Ints m[kReach], v[kTile];
    simd::unroll<kReach>([&](auto i) { m[i] = load_ints(from + (i * kReach + x) * step, kLanes); });
    transform_outputs(m, v);
    simd::unroll<kTile>([&](auto i) { half[i][x] = v[i]; });
  }
  const Ints inverse = set_ints(kInverseOfNine);
  simd::unroll<kTile>([&](auto i) {
    Ints v[kTile];
    transform_outputs(half[i], v);
    simd::unroll<kTile>(
        [&](auto j) { y[i][j] = shift_right<kShifts[i] + kShifts[j]>(mul(v[j], inverse)); });
  });
}

/// The outputs of a task in the columns of one block; kCodes: they end_in_codes. Works on copies:
/// stores of codes may write to any object that isn't local.
template <bool kCodes, Scaling kScaling>
void finish_block(const Task& t, const Target target, const Columns c, const int32_t* sums) {
  const ConvEpilogue e = *target.epilogue;
  const CodePacker pack(e);
  for (size_t tile = t.begin; tile < t.end; ++tile, sums += kChunk) {
    const Place at(t.cut, tile);
    Ints y[kTile][kTile];
    transform_sums(sums, sum_step(t.count()), y);
    const size_t rows = smaller(kTile, t.s.out_h - at.y);
    const size_t columns = smaller(kTile, t.s.out_w - at.x);
    for (size_t i = 0; i < rows; ++i) {
      const size_t pixel = (at.n * t.s.out_h + at.y + i) * t.s.out_w + at.x;
      if constexpr (kCodes) {
        // Pixels past the edge aren't stored, but their residuals may lie outside: the last one's
        // stand for them.
        Ints v[kTile];
        simd::unroll<kTile>([&](auto j) {
          const size_t near = pixel + smaller(static_cast<size_t>(j), columns - 1);
          const Floats real =
              scaled<kScaling>(e, target.residual_stride, c, c.count, near, add(y[i][j], c.offset));
          v[j] = to_ints(kScaling == Scaling::any ? min(real, pack.high) : real);
        });
        auto* to = static_cast<uint8_t*>(target.out) + pixel * target.out_stride + c.first;
        store_pixels<kScaling == Scaling::bare>(pack, to, target.out_stride, columns, c.count, v);
      } else {
        for (size_t j = 0; j < columns; ++j) finish(target, c, pixel + j, y[i][j]);
      }
    }
  }
}

inline void finish_chunk(const Task& t, const Target& target, const int32_t* weight_sums,
                         size_t block, size_t blocks) {
  const int32_t zero = t.io.in_zero_point - (t.io.in_signed ? 0 : 128);
  for (size_t b = 0; b < blocks; ++b) {
    const size_t column = (block + b) * kLanes;
    Columns c = columns_at(*target.epilogue, column, smaller(kLanes, t.s.out_channels - column));
    c.offset = sub(c.offset, mul(load_ints(weight_sums + column, kLanes), set_ints(zero)));
    const int32_t* sums = t.sums + b * kLanes;
    if (!ends_in_codes(*target.epilogue))
      finish_block<false, Scaling::any>(t, target, c, sums);
    else
      with_scaling(target.scaling, [&](auto scaling) {
        finish_block<true, decltype(scaling)::value>(t, target, c, sums);
      });
  }
}

inline void run(const ConvShape& s, const void* packed, const ConvIo& io,
                const ConvEpilogue& epilogue, void* scratch, Parallel& parallel) {
  const auto* sums = static_cast<const int32_t*>(packed);
  const auto* weights =
      reinterpret_cast<const int16_t*>(static_cast<const uint8_t*>(packed) + sum_bytes(s));
  const Cut cut(s, parallel.width());
  const Target target = target_of(s, io, epilogue);
  const size_t macs = cut.tiles * kProducts * s.in_channels * s.out_channels;
  for_each_in_slots(cut.tasks, macs, parallel, [&](size_t index, size_t slot) {
    uint8_t* own = static_cast<uint8_t*>(scratch) + slot * slot_bytes(s, cut.most);
    uint8_t* words = own + round_up(s.in_channels, 64);
    const size_t begin = cut.tile_at(index), end = cut.tile_at(index + 1);
    uint8_t* after = words + kProducts * word_step(s, end - begin);
    const Task task{s, io, cut, begin, end, own, words, reinterpret_cast<int32_t*>(after)};
    __builtin_memset(own, io.in_zero_point & 0xFF, s.in_channels);
    transform_tiles(task);
    for (size_t block = 0; block < blocks_of(s); block += kChunkBlocks) {
      const size_t blocks = smaller(kChunkBlocks, blocks_of(s) - block);
      multiply_chunk(task, weights + block * block_words(s), blocks);
      finish_chunk(task, target, sums, block, blocks);
    }
  });
}
