// gemm_s8 over the products of kernels/simd/rows_*.inl. Included inside an anonymous namespace
// after one of them, vec_neon.inl, lookup_neon.inl and epilogue.inl. direct_neon.inl follows.
//
// Packed B: PackedHeader, int32_t sums[N], int32_t zeros[N] (of the codes, to whole panels), panels
// of 16 columns as the products read them, with zeros past K and N. Unsigned codes of B are stored
// minus 128, their zero points likewise. Scratch: int32_t row_sums[M], then, when A is unsigned or
// K is no multiple of kStep, A as s8 (unsigned codes minus 128) with zeros past K.

constexpr size_t kPanel = 16;
constexpr size_t kStep = 16;  // codes of a row that are read at once

struct PackedHeader {
  int64_t has_zero;    // whether any column's zero point is not 0
  int64_t has_lowest;  // whether codes may be -128
  int64_t unused[6];
};

constexpr size_t round_up(size_t value, size_t step) { return (value + step - 1) / step * step; }

size_t panel_offset(size_t n) {
  return sizeof(PackedHeader) + 2 * round_up(n, kPanel) * sizeof(int32_t);
}
size_t packed_bytes(size_t k, size_t n) {
  return panel_offset(n) + round_up(k, kStep) * round_up(n, kPanel);
}

inline const int32_t* packed_sums(const void* packed) {
  return reinterpret_cast<const int32_t*>(static_cast<const PackedHeader*>(packed) + 1);
}

// kGroup rows of 16 columns to [16][kGroup].
inline void interleave(uint8x16_t (&rows)[kGroup], uint8_t* out) {
  for (size_t span = kGroup; span > 1; span /= 2) {
    uint8x16_t mixed[kGroup];
#pragma GCC unroll 8
    for (size_t i = 0; i < kGroup / 2; ++i) {
      mixed[2 * i] = vzip1q_u8(rows[i], rows[i + kGroup / 2]);
      mixed[2 * i + 1] = vzip2q_u8(rows[i], rows[i + kGroup / 2]);
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < kGroup; ++i) rows[i] = mixed[i];
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kGroup; ++i) vst1q_u8(out + i * 16, rows[i]);
}

// One panel of `count` columns from `column` on.
void pack_panel(const GemmS8Weights& w, size_t column, size_t count, uint8_t* out) {
  const uint8_t flip = w.is_unsigned ? 0x80 : 0;
  const auto* from = static_cast<const uint8_t*>(w.data) + column * w.column_stride;
  const size_t whole = w.k / kGroup;
  if (count < kPanel || w.k % kStep != 0) __builtin_memset(out, 0, round_up(w.k, kStep) * kPanel);
  const auto one = [&](size_t k, size_t n) {
    out[(k / kGroup * kPanel + n) * kGroup + k % kGroup] =
        from[k * w.row_stride + n * w.column_stride] ^ flip;
  };
  size_t done = 0;
  if (w.row_stride == 1) {
    for (size_t n = 0; n < count; ++n)
      for (size_t g = 0; g < whole; ++g) {
        uint8_t* to = out + (g * kPanel + n) * kGroup;
        const uint8_t* at = from + n * w.column_stride + g * kGroup;
#pragma GCC unroll 16
        for (size_t i = 0; i < kGroup; ++i) to[i] = at[i] ^ flip;
      }
    done = whole * kGroup;
  } else if (w.column_stride == 1 && count == kPanel) {
    for (size_t g = 0; g < whole; ++g) {
      uint8x16_t rows[kGroup];
#pragma GCC unroll 16
      for (size_t i = 0; i < kGroup; ++i)
        rows[i] = veorq_u8(vld1q_u8(from + (g * kGroup + i) * w.row_stride), vdupq_n_u8(flip));
      interleave(rows, out + g * kPanel * kGroup);
    }
    done = whole * kGroup;
  }
  for (size_t k = done; k < w.k; ++k)
    for (size_t n = 0; n < count; ++n) one(k, n);
}

// Sums of each column's codes.
void sum_columns(const int8_t* panel, size_t steps, int32_t* sums) {
  int32x4_t acc[kGroup];
#pragma GCC unroll 16
  for (size_t i = 0; i < kGroup; ++i) acc[i] = vdupq_n_s32(0);
  for (size_t g = 0; g < steps * kStep / kGroup; ++g, panel += kPanel * kGroup)
#pragma GCC unroll 16
    for (size_t i = 0; i < kGroup; ++i)
      acc[i] = vpadalq_s16(acc[i], vpaddlq_s8(vld1q_s8(panel + i * 16)));
  // A lane is the sum of four codes of a group.
  for (size_t vectors = kGroup; vectors > 4; vectors /= 2)
    for (size_t i = 0; i < vectors / 2; ++i) acc[i] = vpaddq_s32(acc[2 * i], acc[2 * i + 1]);
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) vst1q_s32(sums + i * 4, acc[i]);
}

void pack(const GemmS8Weights& w, void* packed) {
  const size_t padded = round_up(w.n, kPanel), steps = round_up(w.k, kStep) / kStep;
  auto* sums = const_cast<int32_t*>(packed_sums(packed));
  int32_t* zeros = sums + padded;
  PackedHeader header{};
  for (size_t n = 0; n < padded; ++n) {
    const int32_t zero = n < w.n && w.zero_point != nullptr ? w.zero_point[n * w.zero_stride] : 0;
    zeros[n] = n < w.n && w.is_unsigned ? zero - 128 : zero;
    header.has_zero |= zeros[n] != 0 ? 1 : 0;
  }
  auto* panel = static_cast<uint8_t*>(packed) + panel_offset(w.n);
  for (size_t n = 0; n < padded; n += kPanel, panel += steps * kStep * kPanel) {
    pack_panel(w, n, w.n - n < kPanel ? w.n - n : kPanel, panel);
    const auto* codes = reinterpret_cast<const int8_t*>(panel);
    sum_columns(codes, steps, sums + n);
    if (has_lowest(codes, steps)) header.has_lowest = 1;
  }
  for (size_t n = 0; n < padded; ++n) sums[n] -= static_cast<int32_t>(w.k) * zeros[n];
  *static_cast<PackedHeader*>(packed) = header;
}

// Rows of A in the scratch; the odd multiple of 64 keeps rows off the same cache sets.
size_t scratch_stride(size_t k) { return round_up(k, 128) + 64; }
size_t scratch_offset(size_t m) { return round_up(m * sizeof(int32_t), 64); }
size_t scratch_bytes(size_t m, size_t k) { return scratch_offset(m) + m * scratch_stride(k); }

bool copies_a(const GemmS8Args& args) { return !args.a_signed || args.k % kStep != 0; }

// The sum of a row's codes as s8.
int32_t row_sum(const uint8_t* from, size_t k, uint8_t flip) {
  int32x4_t sums = vdupq_n_s32(0);
  size_t i = 0;
  for (; i + 16 <= k; i += 16) {
    const uint8x16_t codes = veorq_u8(vld1q_u8(from + i), vdupq_n_u8(flip));
    sums = vpadalq_s16(sums, vpaddlq_s8(vreinterpretq_s8_u8(codes)));
  }
  int32_t sum = vaddvq_s32(sums);
  for (; i < k; ++i) sum += static_cast<int8_t>(from[i] ^ flip);
  return sum;
}

void copy_row(const uint8_t* from, size_t k, uint8_t flip, uint8_t* to) {
  const auto copy = [&](size_t i) __attribute__((always_inline)) {
    vst1q_u8(to + i, veorq_u8(vld1q_u8(from + i), vdupq_n_u8(flip)));
  };
  size_t i = 0;
  for (; i + 64 <= k; i += 64) {
    const uint8x16x4_t codes = {{vld1q_u8(from + i), vld1q_u8(from + i + 16),
                                 vld1q_u8(from + i + 32), vld1q_u8(from + i + 48)}};
    simd::unroll<4>([&](auto v) __attribute__((always_inline)) {
      vst1q_u8(to + i + v * 16, veorq_u8(codes.val[v], vdupq_n_u8(flip)));
    });
  }
  for (; i + 16 <= k; i += 16) copy(i);
  for (; i < k; ++i) to[i] = from[i] ^ flip;
  for (; i < round_up(k, kStep); ++i) to[i] = 0;
}

void prepare(const GemmS8Args& args, size_t row_begin, size_t row_end) {
  auto* scratch = static_cast<uint8_t*>(args.scratch);
  const bool sums = static_cast<const PackedHeader*>(args.packed)->has_zero != 0;
  const uint8_t flip = args.a_signed ? 0 : 0x80;
  for (size_t m = row_begin; m < row_end; ++m) {
    const uint8_t* from = static_cast<const uint8_t*>(args.a) + m * args.a_stride;
    if (copies_a(args))
      copy_row(from, args.k, flip, scratch + scratch_offset(args.m) + m * scratch_stride(args.k));
    if (sums) reinterpret_cast<int32_t*>(scratch)[m] = row_sum(from, args.k, flip);
  }
}

// Rows of A as the products read them.
struct RowCodes {
  explicit RowCodes(const GemmS8Args& args) : stride(args.a_stride) {
    const auto* from = static_cast<const uint8_t*>(args.a);
    if (copies_a(args)) {
      from = static_cast<const uint8_t*>(args.scratch) + scratch_offset(args.m);
      stride = scratch_stride(args.k);
    }
    codes = reinterpret_cast<const int8_t*>(from);
  }
  const int8_t* row(size_t m) const { return codes + m * stride; }
  const int8_t* codes;
  size_t stride;
};

// Blocks of up to kBlockRows rows by a panel: multiply(n, m, rows, acc[rows][kPanel]).
template <size_t kBlockRows, typename F>
void tile_by(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
             size_t column_end, F multiply) {
  Correction correction;
  correction.sums = packed_sums(args.packed);
  correction.zero_shift = args.a_signed ? 0 : -128;
  if (static_cast<const PackedHeader*>(args.packed)->has_zero != 0) {
    correction.zeros = correction.sums + round_up(args.n, kPanel);
    correction.row_sums = static_cast<const int32_t*>(args.scratch);
  }
  const auto run = [&](const AnyEnd& end) __attribute__((noinline)) {
    alignas(64) int32_t acc[kBlockRows * kPanel];
    for (size_t n = column_begin; n < column_end; n += kPanel) {
      const size_t columns = column_end - n < kPanel ? column_end - n : kPanel;
      for (size_t m = row_begin; m < row_end; m += kBlockRows) {
        const size_t rows = row_end - m < kBlockRows ? row_end - m : kBlockRows;
        multiply(n, m, rows, acc);
        end({m, rows, n, columns, acc, kPanel});
      }
    }
  };
  with_end<VecNeon>(args, correction, [&](const auto& end) { run(AnyEnd(end)); });
  finish_lookup(args, row_begin, row_end, column_begin, column_end);
}

void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  const size_t steps = round_up(args.k, kStep) / kStep;
  const bool lowest = static_cast<const PackedHeader*>(args.packed)->has_lowest != 0;
  const auto* panels = static_cast<const int8_t*>(args.packed) + panel_offset(args.n);
  const RowCodes a(args);
  tile_by<kTileRows>(args, row_begin, row_end, column_begin, column_end,
                     [&](size_t n, size_t m, size_t rows, int32_t* acc) {
                       multiply_tile(rows, a.row(m), a.stride, panels + n * steps * kStep, steps,
                                     lowest, acc);
                     });
}

namespace four_bits {
#include "kernels/gemm_s8/nibbles_neon.inl"
}  // namespace four_bits
