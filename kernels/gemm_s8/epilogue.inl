// From exact sums to C, over a vector type V of the including file. Included inside an anonymous
// namespace.

// What the raw sums of a tile lack: acc - row_zero * sums[n] - row_sum * zeros[n].
struct Correction {
  const int32_t* sums = nullptr;      // [N] sum over k of (B - zb); null: A's zero is taken off
  const int32_t* zeros = nullptr;     // [N] zb; null: all 0
  const int32_t* row_sums = nullptr;  // [M] sum over k of A, when zeros is not null
  int32_t zero_shift = 0;             // added to A's zero points
};

inline int32_t a_zero(const GemmS8Args& args, size_t m) {
  return args.a_row_zero == nullptr ? args.a_zero : args.a_row_zero[m];
}

template <typename V>
struct Columns {
  size_t begin, count;  // the columns of one vector
  typename V::Int bias;
  typename V::Int sums, zeros;
  typename V::Float multiplier, bias_f32;
};

template <typename V>
Columns<V> load_columns(const GemmS8Args& args, const Correction& correction, size_t begin,
                        size_t count) {
  const GemmS8Epilogue& e = args.epilogue;
  Columns<V> c{begin, count, V::zero_int(), V::zero_int(), V::zero_int(), V::zero(), V::zero()};
  if (e.bias != nullptr) c.bias = V::load_int(e.bias + begin, count);
  if (correction.sums != nullptr) {
    c.sums = V::load_int(correction.sums + begin, count);
    if (args.a_row_zero == nullptr)
      c.bias = V::subtract(
          c.bias, V::multiply_int(c.sums, V::set_int(args.a_zero + correction.zero_shift)));
  }
  if (correction.zeros != nullptr) c.zeros = V::load_int(correction.zeros + begin, count);
  if (e.multiplier != nullptr)
    c.multiplier =
        e.multiplier_stride == 0 ? V::set(*e.multiplier) : V::load(e.multiplier + begin, count);
  if (e.bias_f32 != nullptr) c.bias_f32 = V::load(e.bias_f32 + begin, count);
  return c;
}

template <typename V>
typename V::Int corrected(const GemmS8Args& args, const Correction& correction, const Columns<V>& c,
                          size_t m, typename V::Int acc) {
  acc = V::add(acc, c.bias);
  if (correction.sums != nullptr && args.a_row_zero != nullptr)
    acc = V::subtract(
        acc, V::multiply_int(c.sums, V::set_int(args.a_row_zero[m] + correction.zero_shift)));
  if (correction.zeros != nullptr)
    acc = V::subtract(acc, V::multiply_int(c.zeros, V::set_int(correction.row_sums[m])));
  return acc;
}

template <typename V>
void store_codes(const GemmS8Args& args, const Columns<V>& c, size_t m, typename V::Int acc) {
  const GemmS8Epilogue& e = args.epilogue;
  // Rounding keeps order, so clamping to whole numbers before it gives the same code.
  typename V::Float value = V::multiply(V::to_float(acc), c.multiplier);
  value = V::max(value, V::set(static_cast<float>(e.low - e.zero_point)));
  value = V::min(value, V::set(static_cast<float>(e.high - e.zero_point)));
  auto* to = static_cast<uint8_t*>(args.c) + m * args.c_stride + c.begin;
  V::store_bytes(to, c.count, V::add(V::round(value), V::set_int(e.zero_point)));
  if (e.lookup != nullptr)
    for (size_t i = 0; i < c.count; ++i) to[i] = e.lookup[to[i]];
}

template <typename V>
void store_floats(const GemmS8Args& args, const Columns<V>& c, size_t m, typename V::Int acc) {
  const GemmS8Epilogue& e = args.epilogue;
  typename V::Float scale = c.multiplier;
  if (e.row_scale != nullptr) scale = V::multiply(scale, V::set(e.row_scale[m]));
  typename V::Float value = V::fma(V::to_float(acc), scale, c.bias_f32);
  if (e.residual != nullptr)
    value = V::add(value, V::load(e.residual + m * e.residual_stride + c.begin, c.count));
  value = V::min(V::max(value, V::set(e.low_f32)), V::set(e.high_f32));
  V::store(static_cast<float*>(args.c) + m * args.c_stride + c.begin, c.count, value);
}

// acc is [rows][stride] for the rows from `row` and the columns from `column` on.
template <typename V>
void finish_tile(const GemmS8Args& args, const Correction& correction, const int32_t* acc,
                 size_t stride, size_t row, size_t rows, size_t column, size_t columns) {
  for (size_t n = 0; n < columns; n += V::kLanes) {
    const size_t count = columns - n < V::kLanes ? columns - n : V::kLanes;
    const Columns<V> c = load_columns<V>(args, correction, column + n, count);
    for (size_t r = 0; r < rows; ++r) {
      const size_t m = row + r;
      const typename V::Int sum =
          corrected<V>(args, correction, c, m, V::load_int(acc + r * stride + n, V::kLanes));
      switch (args.epilogue.type) {
        case GemmS8Output::s32:
          V::store_int(static_cast<int32_t*>(args.c) + m * args.c_stride + c.begin, count, sum);
          break;
        case GemmS8Output::u8:
        case GemmS8Output::s8: store_codes<V>(args, c, m, sum); break;
        case GemmS8Output::f32: store_floats<V>(args, c, m, sum); break;
      }
    }
  }
}
