// The product of a few rows with a B that is not worth packing: s16 products by smlal straight from
// B's rows or columns. Included inside an anonymous namespace after neon.inl.

// Columns of sums that go to the epilogue together.
constexpr size_t kDirectColumns = 64;

template <bool kUnsigned>
inline int16x8_t widen_eight(const uint8_t* p, size_t count) {
  uint8x8_t codes;
  if (count >= 8) {
    codes = vld1_u8(p);
  } else {
    uint8_t some[8] = {};
    for (size_t i = 0; i < count; ++i) some[i] = p[i];
    codes = vld1_u8(some);
  }
  return kUnsigned ? vreinterpretq_s16_u16(vmovl_u8(codes)) : vmovl_s8(vreinterpret_s8_u8(codes));
}

// A's row less its zero point, with zeros up to a multiple of 16. Gives its sum.
inline int32_t direct_row(const GemmS8Args& args, size_t m, int16_t* to) {
  const uint8_t* from = static_cast<const uint8_t*>(args.a) + m * args.a_stride;
  const int16x8_t zero = vdupq_n_s16(static_cast<int16_t>(a_zero(args, m)));
  int32x4_t sums = vdupq_n_s32(0);
  size_t k = 0;
  for (; k + 8 <= args.k; k += 8) {
    const int16x8_t wide =
        args.a_signed ? widen_eight<false>(from + k, 8) : widen_eight<true>(from + k, 8);
    const int16x8_t codes = vsubq_s16(wide, zero);
    vst1q_s16(to + k, codes);
    sums = vpadalq_s16(sums, codes);
  }
  int32_t sum = vaddvq_s32(sums);
  for (; k < args.k; ++k) {
    const int32_t code = (args.a_signed ? static_cast<int8_t>(from[k]) : from[k]) - a_zero(args, m);
    to[k] = static_cast<int16_t>(code);
    sum += code;
  }
  for (; k < round_up(args.k, 16); ++k) to[k] = 0;
  return sum;
}

// Columns of contiguous k: four dot products at a time.
template <bool kUnsigned>
void direct_columns(const GemmS8Weights& b, const int16_t* a, size_t column, size_t count,
                    int32_t initial, int32_t* acc) {
  const auto* from = static_cast<const uint8_t*>(b.data);
  for (size_t n = 0; n < count; n += 4) {
    const uint8_t* columns[4];
    int32x4_t sum[4];
    for (size_t j = 0; j < 4; ++j)
      columns[j] = from + (column + (n + j < count ? n + j : n)) * b.column_stride;
    simd::unroll<4>([&](auto j) __attribute__((always_inline)) { sum[j] = vdupq_n_s32(0); });
    for (size_t k = 0; k < b.k; k += 8) {
      const int16x8_t codes = vld1q_s16(a + k);
      simd::unroll<4>([&](auto j) __attribute__((always_inline)) {
        const int16x8_t w = widen_eight<kUnsigned>(columns[j] + k, b.k - k);
        sum[j] = vmlal_s16(sum[j], vget_low_s16(codes), vget_low_s16(w));
        sum[j] = vmlal_high_s16(sum[j], codes, w);
      });
    }
    const int32x4_t all = vpaddq_s32(vpaddq_s32(sum[0], sum[1]), vpaddq_s32(sum[2], sum[3]));
    vst1q_s32(acc + n, vaddq_s32(all, vdupq_n_s32(initial)));
  }
}

// Rows of contiguous n: sixteen columns at a time.
template <bool kUnsigned>
void direct_rows(const GemmS8Weights& b, const int16_t* a, size_t column, size_t count,
                 int32_t initial, int32_t* acc) {
  const auto* from = static_cast<const uint8_t*>(b.data) + column;
  for (size_t n = 0; n < count; n += 16) {
    const size_t left = count - n;
    int32x4_t sum[4];
    simd::unroll<4>([&](auto v) __attribute__((always_inline)) { sum[v] = vdupq_n_s32(initial); });
    for (size_t k = 0; k < b.k; ++k) {
      const uint8_t* row = from + k * b.row_stride + n;
      const int16x8_t low = widen_eight<kUnsigned>(row, left);
      const int16x8_t high = left > 8 ? widen_eight<kUnsigned>(row + 8, left - 8) : vdupq_n_s16(0);
      sum[0] = vmlal_n_s16(sum[0], vget_low_s16(low), a[k]);
      sum[1] = vmlal_high_n_s16(sum[1], low, a[k]);
      sum[2] = vmlal_n_s16(sum[2], vget_low_s16(high), a[k]);
      sum[3] = vmlal_high_n_s16(sum[3], high, a[k]);
    }
    simd::unroll<4>([&](auto v)
                        __attribute__((always_inline)) { vst1q_s32(acc + n + v * 4, sum[v]); });
  }
}

void direct(const GemmS8Args& args, const GemmS8Weights& b) {
  auto* a = static_cast<int16_t*>(args.scratch);
  const bool columns = b.row_stride == 1;
  const auto run = columns ? (b.is_unsigned ? direct_columns<true> : direct_columns<false>)
                           : (b.is_unsigned ? direct_rows<true> : direct_rows<false>);
  const auto all_rows = [&](const AnyEnd& end) __attribute__((noinline)) {
    for (size_t m = 0; m < args.m; ++m) {
      const int32_t sum = direct_row(args, m, a);
      const int32_t initial = b.zero_point == nullptr ? 0 : -*b.zero_point * sum;
      alignas(64) int32_t acc[kDirectColumns];
      for (size_t n = 0; n < args.n; n += kDirectColumns) {
        const size_t count = args.n - n < kDirectColumns ? args.n - n : kDirectColumns;
        run(b, a, n, count, initial, acc);
        end({m, 1, n, count, acc, 0});
      }
    }
  };
  with_end<VecNeon>(args, Correction{}, [&](const auto& end) { all_rows(AnyEnd(end)); });
  finish_lookup(args, 0, args.m, 0, args.n);
}
