// Products with 4-bit codes of B, expanded a part of a panel at a time. Included inside a namespace
// of neon.inl's.
//
// Packed B: as neon.inl's, but a panel is [ceil(steps / 2)][256 bytes]: byte i is code i of step
// 2 s in its lower and of step 2 s + 1 in its upper half. Unsigned codes are stored minus 8, their
// zero points likewise.

// Less lies in the second-level cache.
constexpr size_t kFrom = size_t{1} << 20;
// An expanded part stays in the first-level cache, and serves so many rows.
constexpr size_t kPairsAtOnce = 32;
constexpr size_t kBlockRows = 64;
constexpr size_t kBlockBytes = kStep * kPanel;

size_t pairs_of(size_t k) { return round_up(k, 2 * kStep) / (2 * kStep); }
size_t packed_bytes(size_t k, size_t n) {
  return panel_offset(n) + pairs_of(k) * kBlockBytes * (round_up(n, kPanel) / kPanel);
}

void pack(const GemmS8Weights& w, void* packed) {
  const size_t padded = round_up(w.n, kPanel), panel_bytes = pairs_of(w.k) * kBlockBytes;
  auto* sums = const_cast<int32_t*>(packed_sums(packed));
  int32_t* zeros = sums + padded;
  auto* panels = static_cast<uint8_t*>(packed) + panel_offset(w.n);
  __builtin_memset(panels, 0, padded / kPanel * panel_bytes);
  const int32_t shift = w.is_unsigned ? 8 : 0;
  PackedHeader header{};
  for (size_t n = 0; n < padded; ++n) {
    zeros[n] = sums[n] = 0;
    if (n >= w.n) continue;
    zeros[n] = (w.zero_point == nullptr ? 0 : w.zero_point[n * w.zero_stride]) - shift;
    header.has_zero |= zeros[n] != 0 ? 1 : 0;
    for (size_t k = 0; k < w.k; ++k) {
      const size_t at = k * w.row_stride + n * w.column_stride;
      const int32_t code = (w.is_unsigned ? static_cast<const uint8_t*>(w.data)[at]
                                          : static_cast<const int8_t*>(w.data)[at]) -
                           shift;
      sums[n] += code - zeros[n];
      const size_t place = (k % kStep / kGroup * kPanel + n % kPanel) * kGroup + k % kGroup;
      uint8_t& byte = panels[n / kPanel * panel_bytes + k / (2 * kStep) * kBlockBytes + place];
      byte = static_cast<uint8_t>(byte | (code & 15) << (k / kStep % 2 * 4));
    }
  }
  *static_cast<PackedHeader*>(packed) = header;
}

void expand(const uint8_t* packed, size_t pairs, int8_t* out) {
  for (size_t p = 0; p < pairs; ++p, out += 2 * kBlockBytes)
    for (size_t i = 0; i < kBlockBytes; i += 16, packed += 16) {
      const int8x16_t bytes = vreinterpretq_s8_u8(vld1q_u8(packed));
      vst1q_s8(out + i, vshrq_n_s8(vshlq_n_s8(bytes, 4), 4));
      vst1q_s8(out + kBlockBytes + i, vshrq_n_s8(bytes, 4));
    }
}

// Adds the products of rows with `steps` steps of an expanded panel; sets them where `first`.
void add_tiles(size_t rows, const int8_t* a, size_t a_stride, const int8_t* panel, size_t steps,
               bool first, int32_t* acc) {
  int32_t part[kTileRows * kPanel];
  for (size_t r = 0; r < rows; r += kTileRows, acc += kTileRows * kPanel) {
    const size_t count = rows - r < kTileRows ? rows - r : kTileRows;
    int32_t* to = first ? acc : part;
    multiply_tile(count, a + r * a_stride, a_stride, panel, steps, false, to);
    for (size_t i = 0; !first && i < count * kPanel; i += 4)
      vst1q_s32(acc + i, vaddq_s32(vld1q_s32(acc + i), vld1q_s32(part + i)));
  }
}

void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  const size_t steps = round_up(args.k, kStep) / kStep, pairs = pairs_of(args.k);
  const auto* panels = static_cast<const uint8_t*>(args.packed) + panel_offset(args.n);
  const RowCodes a(args);
  alignas(64) int8_t wide[kPairsAtOnce * 2 * kBlockBytes];
  tile_by<kBlockRows>(args, row_begin, row_end, column_begin, column_end,
                      [&](size_t n, size_t m, size_t rows, int32_t* acc) {
                        const uint8_t* panel = panels + n / kPanel * pairs * kBlockBytes;
                        size_t pair = 0;
                        do {
                          const size_t count =
                              pairs - pair < kPairsAtOnce ? pairs - pair : kPairsAtOnce;
                          const size_t left = steps - 2 * pair;
                          expand(panel + pair * kBlockBytes, count, wide);
                          add_tiles(rows, a.row(m) + pair * 2 * kStep, a.stride, wide,
                                    left < 2 * count ? left : 2 * count, pair == 0, acc);
                          pair += count;
                        } while (pair < pairs);
                      });
}

constexpr GemmS8Table kTable = {kTileRows, kPanel, packed_bytes, pack,    scratch_bytes,
                                prepare,   tile,   nullptr,      nullptr, 0};
