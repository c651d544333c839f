// Products with 4-bit codes of B. Included inside a namespace of the anonymous one, after pack.inl
// and epilogue.inl, where these are known: kLanes (columns of a vector), kPanel (columns of a
// panel), kRows (of a tile), kSumStride,
//   Multiply narrow_multiply_of(rows, vectors): sums over steps of 8 k of a packed panel into
//   acc[rows][kSumStride],
//   Multiply wide_multiply_of(rows, vectors): the same over groups of 4 k of an expanded one,
//   expand(packed, vectors, steps, out): [steps][columns][4 bytes] to [2 * steps][columns][4
//   codes].
//
// Packed B: PackedHeader, int32_t sums[N], int32_t zeros[N], panels of kPanel columns (the last as
// wide as whole vectors need): [ceil(K / 8)][columns][4 bytes], byte i being k = i in its lower and
// k = 4 + i in its upper half. Unsigned codes are stored minus 8, their zero points likewise.

constexpr size_t kRowStep = 8;
constexpr size_t kDepth = kRowStep;
#include "kernels/gemm_s8/rows_u8.inl"

// A panel up to this size is expanded once for several tiles of rows.
constexpr size_t kWideBytes = size_t{1} << 17;

size_t padded_columns(size_t n) { return round_up(n, kLanes); }
size_t panel_offset(size_t n) {
  return sizeof(PackedHeader) + round_up(2 * padded_columns(n) * sizeof(int32_t), 64);
}
size_t packed_bytes(size_t k, size_t n) {
  return panel_offset(n) + round_up(k, 8) / 2 * padded_columns(n);
}

void pack(const GemmS8Weights& w, void* packed) {
  auto* bytes = static_cast<uint8_t*>(packed);
  const size_t padded = padded_columns(w.n), column_bytes = round_up(w.k, 8) / 2;
  auto* sums = reinterpret_cast<int32_t*>(bytes + sizeof(PackedHeader));
  int32_t* zeros = sums + padded;
  uint8_t* panels = bytes + panel_offset(w.n);
  __builtin_memset(panels, 0, padded * column_bytes);
  const int32_t shift = w.is_unsigned ? 8 : 0;
  int32_t any = 0;
  for (size_t n = 0; n < padded; ++n) {
    const bool real = n < w.n;
    zeros[n] = real && w.zero_point != nullptr ? w.zero_point[n * w.zero_stride] - shift
                                               : (real ? -shift : 0);
    sums[n] = -static_cast<int32_t>(w.k) * zeros[n];
    any |= zeros[n];
    if (!real) continue;
    const size_t first = n / kPanel * kPanel;
    const size_t width = padded - first < kPanel ? padded - first : kPanel;
    uint8_t* panel = panels + first * column_bytes;
    for (size_t k = 0; k < w.k; ++k) {
      const size_t at = k * w.row_stride + n * w.column_stride;
      const int32_t code = (w.is_unsigned ? static_cast<const uint8_t*>(w.data)[at]
                                          : static_cast<const int8_t*>(w.data)[at]) -
                           shift;
      sums[n] += code;
      uint8_t& byte = panel[(k / 8 * width + n - first) * 4 + k % 4];
      byte = static_cast<uint8_t>(byte | (code & 15) << (k % 8 / 4 * 4));
    }
  }
  *static_cast<PackedHeader*>(packed) = {any != 0, 0, {}};
}

void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  const auto* packed = static_cast<const uint8_t*>(args.packed);
  const auto* scratch = static_cast<const uint8_t*>(args.scratch);
  const size_t padded = padded_columns(args.n), steps = round_up(args.k, 8) / 8;
  Correction correction;
  correction.sums = reinterpret_cast<const int32_t*>(packed + sizeof(PackedHeader));
  correction.zero_shift = args.a_signed ? 128 : 0;
  if (static_cast<const PackedHeader*>(args.packed)->has_zero != 0) {
    correction.zeros = correction.sums + padded;
    correction.row_sums = reinterpret_cast<const int32_t*>(scratch);
  }
  const bool copied = copies_a(args);
  const uint8_t* a =
      copied ? scratch + scratch_offset(args.m) : static_cast<const uint8_t*>(args.a);
  const size_t a_stride = copied ? scratch_stride(args.k) : args.a_stride;
  const bool expands = row_end - row_begin > kRows && steps * 8 * kPanel <= kWideBytes;
  const auto run = [&](const AnyEnd& end) __attribute__((noinline)) {
    alignas(64) int32_t acc[kRows * kSumStride];
    alignas(64) uint8_t wide[kWideBytes];
    for (size_t n = column_begin; n < column_end; n += kPanel) {
      const size_t columns = column_end - n < kPanel ? column_end - n : kPanel;
      const size_t vectors = padded_columns(columns) / kLanes;
      const uint8_t* panel = packed + panel_offset(args.n) + n * steps * 4;
      if (expands) expand(panel, vectors, steps, wide);
      for (size_t m = row_begin; m < row_end; m += kRows) {
        const size_t rows = row_end - m < kRows ? row_end - m : kRows;
        const Multiply multiply =
            expands ? wide_multiply_of(rows, vectors) : narrow_multiply_of(rows, vectors);
        multiply(a + m * a_stride, a_stride, expands ? wide : panel, expands ? 2 * steps : steps,
                 acc, Ahead{panel, 0});
        if (!expands) scale_down(rows, acc);
        end({m, rows, n, columns, acc, kSumStride});
      }
    }
  };
  with_end<Vec>(args, correction, [&](const auto& end) { run(AnyEnd(end)); });
  finish_lookup(args, row_begin, row_end, column_begin, column_end);
}

constexpr GemmS8Table kTable = {kRows,   kPanel, packed_bytes, pack,    scratch_bytes,
                                prepare, tile,   nullptr,      nullptr, 0};
