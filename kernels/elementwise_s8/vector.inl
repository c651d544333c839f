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

// What becomes of the values of up to 16 outputs.
struct Ending {
  Floats low, high;
  Ints zero;

  // Rounding keeps order, so clamping to whole numbers before it gives the same code.
  explicit Ending(const ElementwiseS8Args& args)
      : low(to_floats(set_ints(args.low - args.zero_point))),
        high(to_floats(set_ints(args.high - args.zero_point))),
        zero(set_ints(args.zero_point)) {}
  inline __attribute__((always_inline)) void store(uint8_t* to, size_t count, Floats v) const {
    store_codes(to, count, add(to_ints(min(max(v, low), high)), zero));
  }
};

// f(i, count) for each 16 of [begin, end).
template <typename F>
inline __attribute__((always_inline)) void each_vector(size_t begin, size_t end, F f) {
  for (; begin + kLanes <= end; begin += kLanes) f(begin, kLanes);
  if (begin < end) f(begin, end - begin);
}

// How much of a row that all rows share is kept as floats.
constexpr size_t kMostShared = 2048;

// Rows, one behind the other, that begin where a vector does; 0: too many.
inline size_t rows_of_vectors(size_t columns) {
  size_t rows = 1;
  while (rows * columns % kLanes != 0) rows *= 2;
  return rows * columns <= kMostShared ? rows : 0;
}

// The elements [begin, end) of `dense` and a row that all share: value(dense, shared).
template <typename Value>
inline __attribute__((always_inline)) void each_shared(const ElementwiseS8Args& args,
                                                       const ElementwiseS8Input& dense,
                                                       const ElementwiseS8Input& shared,
                                                       size_t begin, size_t end, Value value) {
  const size_t period = rows_of_vectors(args.columns) * args.columns;
  alignas(64) float table[kMostShared];
  for (size_t row = 0; row < period; row += args.columns)
    each_vector(
        0, args.columns, [&](size_t i, size_t count) __attribute__((always_inline)) {
          store_floats(table + row + i, count, distance(shared, 0, i, count));
        });
  const Ending ending(args);
  const ElementwiseS8Input in = dense;
  auto* out = static_cast<uint8_t*>(args.out);
  const auto some = [&](size_t first, size_t last, const float* others)
      __attribute__((always_inline)) {
    each_vector(
        first, last, [&](size_t i, size_t count) __attribute__((always_inline)) {
          const Floats other = load_floats(others + (i - first), count);
          ending.store(out + i, count, value(distance(in, 0, i, count), other));
        });
  };
  const size_t place = begin % period;
  const size_t head = end - begin < period - place ? end : begin + period - place;
  some(begin, head, table + place);
  for (begin = head; begin + period <= end; begin += period) some(begin, begin + period, table);
  some(begin, end, table);
}

template <typename Value>
inline __attribute__((always_inline)) void each(const ElementwiseS8Args& args, Parallel& parallel,
                                                Value value) {
  const bool flat = is_flat(args.a, args.columns) && is_flat(args.b, args.columns);
  const size_t columns = flat ? args.rows * args.columns : args.columns;
  const auto is_dense = [&](const ElementwiseS8Input& in) {
    return in.column_stride == 1 && in.row_stride == args.columns;
  };
  const auto is_shared = [](const ElementwiseS8Input& in) {
    return in.column_stride == 1 && in.row_stride == 0;
  };
  const size_t together = flat ? 0 : rows_of_vectors(columns);
  const bool shares = together != 0 && args.rows >= 4 * together;
  parallel.for_ranges(args.rows * args.columns, kGrain, [&](size_t begin, size_t end) {
    const ElementwiseS8Input a = args.a, b = args.b;
    if (shares && is_dense(a) && is_shared(b)) return each_shared(args, a, b, begin, end, value);
    if (shares && is_dense(b) && is_shared(a))
      return each_shared(
          args, b, a, begin,
          end, [&](Floats y, Floats x) __attribute__((always_inline)) { return value(x, y); });
    const Ending ending(args);
    auto* out = static_cast<uint8_t*>(args.out);
    for (size_t i = begin, stop; i < end; i = stop) {
      const size_t row = i / columns, start = row * columns;
      stop = end - start < columns ? end : start + columns;
      each_vector(
          i, stop, [&](size_t at, size_t count) __attribute__((always_inline)) {
            const size_t column = at - start;
            ending.store(out + at, count,
                         value(distance(a, row, column, count), distance(b, row, column, count)));
          });
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
