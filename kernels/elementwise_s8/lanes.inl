// elementwise_s8 over sixteen lanes. Included inside an anonymous namespace after a lanes file.

inline constexpr size_t kLanes = 16;
inline constexpr size_t kGrain = 8192;  // elements

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/// One row of an input: float(code - zero point) by lane.
class Row {
 public:
  Row(const ElementwiseS8Input& in, size_t row)
      : data_(static_cast<const uint8_t*>(in.data) + row * in.row_stride),
        zero_(set_ints(in.zero_point)),
        is_signed_(in.is_signed),
        is_one_(in.column_stride == 0) {
    if (is_one_) {
      const int32_t code = is_signed_ ? static_cast<int8_t>(*data_) : *data_;
      one_ = to_floats(sub(set_ints(code), zero_));
    }
  }
  Floats at(size_t column, size_t count) const {
    return is_one_ ? one_ : to_floats(sub(load_codes(data_ + column, is_signed_, count), zero_));
  }

 private:
  const uint8_t* data_;
  Ints zero_;
  bool is_signed_, is_one_;
  Floats one_ = set_floats(0.0F);
};

template <typename Value>
void row_range(const ElementwiseS8Args& a, size_t row, size_t begin, size_t end, Value value) {
  const Row x(a.a, row), y(a.b, row);
  const Floats low = set_floats(static_cast<float>(a.low - a.zero_point));
  const Floats high = set_floats(static_cast<float>(a.high - a.zero_point));
  const Ints zero = set_ints(a.zero_point);
  auto* out = static_cast<uint8_t*>(a.out) + row * a.columns;
  auto step = [&](size_t c, size_t count) {
    const Floats v = value(x.at(c, count), y.at(c, count));
    store_codes(out + c, count, add(to_ints(min(max(v, low), high)), zero));
  };
  size_t c = begin;
  for (; c + kLanes <= end; c += kLanes) step(c, kLanes);
  if (c < end) step(c, end - c);
}

/// Whether a row of the input follows the one before it, so that rows may be taken as one.
inline bool is_flat(const ElementwiseS8Input& in, size_t columns) {
  return in.column_stride == 1 ? in.row_stride == columns : in.row_stride == 0;
}

template <typename Value>
void each(const ElementwiseS8Args& args, Parallel& parallel, Value value) {
  ElementwiseS8Args a = args;
  if (is_flat(a.a, a.columns) && is_flat(a.b, a.columns)) {
    a.columns *= a.rows;
    a.rows = 1;
  }
  if (a.columns == 0) return;
  auto work = [&](size_t begin, size_t end) {
    while (begin < end) {
      const size_t row = begin / a.columns;
      const size_t next = smaller(end, (row + 1) * a.columns);
      row_range(a, row, begin - row * a.columns, next - row * a.columns, value);
      begin = next;
    }
  };
  parallel.for_ranges(a.rows * a.columns, kGrain, work);
}

inline void add_codes(const ElementwiseS8Args& a, Parallel& parallel) {
  const Floats ma = set_floats(a.a.multiplier), mb = set_floats(a.b.multiplier);
  each(a, parallel, [&](Floats x, Floats y) { return add(mul(x, ma), mul(y, mb)); });
}

inline void sub_codes(const ElementwiseS8Args& a, Parallel& parallel) {
  const Floats ma = set_floats(a.a.multiplier), mb = set_floats(a.b.multiplier);
  each(a, parallel, [&](Floats x, Floats y) { return sub(mul(x, ma), mul(y, mb)); });
}

inline void mul_codes(const ElementwiseS8Args& a, Parallel& parallel) {
  const Floats m = set_floats(a.a.multiplier);
  each(a, parallel, [&](Floats x, Floats y) { return mul(mul(x, y), m); });
}
