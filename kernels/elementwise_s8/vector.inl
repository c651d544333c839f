// elementwise_s8 over the sixteen lanes of a lanes file. Included inside an
// anonymous namespace after one of them.

constexpr size_t kGrain = 16384;
constexpr size_t kLanes = 16;

// The codes less their zero point, from `column` of a row on.
inline Floats distance(const ElementwiseS8Input& in, size_t row, size_t column, size_t count) {
  const auto* at =
      static_cast<const uint8_t*>(in.data) + row * in.row_stride + column * in.column_stride;
  Ints codes;
  if (in.column_stride == 1)
    codes = load_codes(at, in.is_signed, count);
  else
    codes = set_ints(in.is_signed ? static_cast<int8_t>(*at) : *at);
  return to_floats(sub(codes, set_ints(in.zero_point)));
}

// Whether every row goes on where the one before it ended, so that all are one row.
inline bool is_flat(const ElementwiseS8Input& in, size_t columns) {
  return (in.column_stride == 1 && in.row_stride == columns) ||
         (in.column_stride == 0 && in.row_stride == 0);
}

template <typename Value>
inline __attribute__((always_inline)) void each(const ElementwiseS8Args& args, Parallel& parallel,
                                                Value value) {
  const bool flat = is_flat(args.a, args.columns) && is_flat(args.b, args.columns);
  const size_t columns = flat ? args.rows * args.columns : args.columns;
  const Ints zero = set_ints(args.zero_point);
  // Rounding keeps order, so clamping to whole numbers before it gives the same code.
  const Floats low = to_floats(sub(set_ints(args.low), zero));
  const Floats high = to_floats(sub(set_ints(args.high), zero));
  parallel.for_ranges(args.rows * args.columns, kGrain, [&](size_t begin, size_t end) {
    const ElementwiseS8Input a = args.a, b = args.b;
    auto* out = static_cast<uint8_t*>(args.out);
    for (size_t i = begin; i < end;) {
      const size_t row = i / columns, start = row * columns;
      const size_t stop = end - start < columns ? end : start + columns;
      for (; i < stop; i += kLanes) {
        const size_t count = stop - i < kLanes ? stop - i : kLanes, column = i - start;
        const Floats v = value(distance(a, row, column, count), distance(b, row, column, count));
        store_codes(out + i, count, add(to_ints(min(max(v, low), high)), zero));
      }
      i = stop;
    }
  });
}

void add_codes(const ElementwiseS8Args& args, Parallel& parallel) {
  const Floats scale_a = set_floats(args.a.multiplier), scale_b = set_floats(args.b.multiplier);
  each(
      args, parallel, [&](Floats x, Floats y) __attribute__((always_inline)) {
        return add(mul(x, scale_a), mul(y, scale_b));
      });
}

void sub_codes(const ElementwiseS8Args& args, Parallel& parallel) {
  const Floats scale_a = set_floats(args.a.multiplier), scale_b = set_floats(args.b.multiplier);
  each(
      args, parallel, [&](Floats x, Floats y) __attribute__((always_inline)) {
        return sub(mul(x, scale_a), mul(y, scale_b));
      });
}

void mul_codes(const ElementwiseS8Args& args, Parallel& parallel) {
  const Floats scale = set_floats(args.a.multiplier);
  each(
      args, parallel, [&](Floats x, Floats y) __attribute__((always_inline)) {
        return mul(mul(x, y), scale);
      });
}
