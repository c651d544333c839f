// From exact sums to C, over a vector type V of the including file. Included inside an anonymous
// namespace, after kernels/simd/functions.h outside of it. Buffers of sums have rows of whole
// sixteens.

// What the raw sums of a tile lack: acc - row_zero * sums[n] - row_sum * zeros[n].
struct Correction {
  const int32_t* sums = nullptr;      // [N] sum over k of (B - zb); null: A's zero is taken off
  const int32_t* zeros = nullptr;     // [N] zb; null: all 0
  const int32_t* row_sums = nullptr;  // [M] sum over k of A, when zeros is not null
  bool one_zero = false;              // all zeros are the same
  int32_t zero_shift = 0;             // added to A's zero points
};

inline int32_t a_zero(const GemmS8Args& args, size_t m) {
  return args.a_row_zero == nullptr ? args.a_zero : args.a_row_zero[m];
}

// What the columns of one vector share.
template <typename V>
struct Columns {
  size_t begin, count;
  typename V::Int bias;
  typename V::Int sums, zeros;
  typename V::Float multiplier, bias_f32, addend;
};

template <typename V>
inline __attribute__((always_inline)) Columns<V> load_columns(const GemmS8Args& args,
                                                              const Correction& correction,
                                                              size_t begin, size_t count) {
  const GemmS8Epilogue& e = args.epilogue;
  Columns<V> c{begin,         count,     V::zero_int(), V::zero_int(),
               V::zero_int(), V::zero(), V::zero(),     V::zero()};
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
  if (e.addend != nullptr) c.addend = V::load(e.addend + begin, count);
  return c;
}

// Sums of rows of C: [rows][stride].
struct SumBlock {
  size_t row, rows, column, columns;
  int32_t* sums;
  size_t stride;
};

// What most outputs do behind the vectors of a block: nothing.
struct StoreAtOnce {
  void finish(const SumBlock& /*block*/) const {}
};

// The outputs' types: constructed once a tile (a store into C may alias the arguments, as far as
// the compiler knows), then called for N vectors of one row's sums, `width` columns of them within
// C, with their place in the block, and with the block.
template <typename V>
struct StoreSums : StoreAtOnce {
  explicit StoreSums(const GemmS8Args& args)
      : c(static_cast<int32_t*>(args.c)), stride(args.c_stride) {}
  template <size_t N>
  __attribute__((always_inline)) void row(const Columns<V> (&columns)[N], size_t m,
                                          size_t /*width*/, const typename V::Int (&sums)[N],
                                          int32_t* /*place*/) const {
    int32_t* to = c + m * stride + columns[0].begin;
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v) V::store_int(to + v * V::kLanes, columns[v].count, sums[v]);
  }
  int32_t* c;
  size_t stride;
};

template <typename V>
struct StoreCodes : StoreAtOnce {
  explicit StoreCodes(const GemmS8Args& args)
      : c(static_cast<uint8_t*>(args.c)),
        stride(args.c_stride),
        // Rounding keeps order, so clamping to a whole number before it gives the same code.
        high(V::set(static_cast<float>(args.epilogue.high - args.epilogue.zero_point))),
        packer(args.epilogue.zero_point, args.epilogue.low,
               args.epilogue.type == GemmS8Output::s8) {}
  template <size_t N>
  __attribute__((always_inline)) void row(const Columns<V> (&columns)[N], size_t m, size_t width,
                                          const typename V::Int (&sums)[N],
                                          int32_t* /*place*/) const {
    typename V::Int rounded[N];
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v)
      rounded[v] = V::round(V::at_most(
          V::fma(V::to_float(sums[v]), columns[v].multiplier, columns[v].bias_f32), high));
    packer.store(c + m * stride + columns[0].begin, width, rounded);
  }
  uint8_t* c;
  size_t stride;
  typename V::Float high;
  typename V::CodePacker packer;
};

// Codes of a curve.
template <typename V>
struct StoreCurve : StoreAtOnce {
  explicit StoreCurve(const GemmS8Args& args)
      : c(static_cast<uint8_t*>(args.c)),
        stride(args.c_stride),
        last(V::set(static_cast<float>(CodeCurve::kArguments - 1))),
        packer(*args.epilogue.curve, args.epilogue.type == GemmS8Output::s8) {}
  template <size_t N>
  __attribute__((always_inline)) void row(const Columns<V> (&columns)[N], size_t m, size_t width,
                                          const typename V::Int (&sums)[N],
                                          int32_t* /*place*/) const {
    typename V::Int arguments[N];
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v)
      arguments[v] = V::round(V::at_most(
          V::fma(V::to_float(sums[v]), columns[v].multiplier, columns[v].bias_f32), last));
    packer.store(c + m * stride + columns[0].begin, width, arguments);
  }
  uint8_t* c;
  size_t stride;
  typename V::Float last;
  CurvePacker packer;
};

#include "kernels/gemm_s8/finish.inl"

// A row's sums as real numbers, up to the addend.
template <typename V>
struct RealSums {
  explicit RealSums(const GemmS8Epilogue& e)
      : row_scale(e.row_scale), has_addend(e.addend != nullptr) {}
  template <size_t N>
  __attribute__((always_inline)) void operator()(const Columns<V> (&columns)[N], size_t m,
                                                 const typename V::Int (&sums)[N],
                                                 typename V::Float (&values)[N]) const {
    typename V::Float scales[N];
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v) scales[v] = columns[v].multiplier;
    if (row_scale != nullptr) {
#pragma GCC unroll 4
      for (size_t v = 0; v < N; ++v) scales[v] = V::multiply(scales[v], V::set(row_scale[m]));
    }
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v)
      values[v] = V::fma(V::to_float(sums[v]), scales[v], columns[v].bias_f32);
    if (has_addend) {
#pragma GCC unroll 4
      for (size_t v = 0; v < N; ++v) values[v] = V::add(values[v], columns[v].addend);
    }
  }
  const float* row_scale;
  bool has_addend;
};

template <typename V>
struct StoreFloats : StoreAtOnce {
  explicit StoreFloats(const GemmS8Args& args)
      : real(args.epilogue),
        c(static_cast<float*>(args.c)),
        stride(args.c_stride),
        residual(args.epilogue.residual),
        residual_stride(args.epilogue.residual_stride),
        clamps(clamps_floats(args.epilogue)),
        low(V::set(args.epilogue.low_f32)),
        high(V::set(args.epilogue.high_f32)) {}
  template <size_t N>
  __attribute__((always_inline)) void row(const Columns<V> (&columns)[N], size_t m, size_t width,
                                          const typename V::Int (&sums)[N],
                                          int32_t* /*place*/) const {
    if (width == N * V::kLanes)
      row_of<true>(columns, m, sums);
    else
      row_of<false>(columns, m, sums);
  }
  template <bool kWhole, size_t N>
  __attribute__((always_inline)) void row_of(const Columns<V> (&columns)[N], size_t m,
                                             const typename V::Int (&sums)[N]) const {
    const auto count = [&](size_t v) { return kWhole ? V::kLanes : columns[v].count; };
    typename V::Float values[N];
    real(columns, m, sums, values);
    if (residual != nullptr) {
      const float* from = residual + m * residual_stride + columns[0].begin;
#pragma GCC unroll 4
      for (size_t v = 0; v < N; ++v)
        values[v] = V::add(values[v], V::load(from + v * V::kLanes, count(v)));
    }
    if (clamps) {
#pragma GCC unroll 4
      for (size_t v = 0; v < N; ++v) values[v] = V::min(V::max(values[v], low), high);
    }
    float* to = c + m * stride + columns[0].begin;
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v) V::store(to + v * V::kLanes, count(v), values[v]);
  }
  RealSums<V> real;
  float* c;
  size_t stride;
  const float* residual;
  size_t residual_stride;
  bool clamps;
  typename V::Float low, high;
};

// Real numbers take the place of their sums, and are finished when the block is whole.
template <typename V>
struct StoreFinished {
  explicit StoreFinished(const GemmS8Args& all) : args(all), real(all.epilogue) {}
  template <size_t N>
  __attribute__((always_inline)) void row(const Columns<V> (&columns)[N], size_t m,
                                          size_t /*width*/, const typename V::Int (&sums)[N],
                                          int32_t* place) const {
    typename V::Float values[N];
    real(columns, m, sums, values);
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v)
      V::store(reinterpret_cast<float*>(place) + v * V::kLanes, V::kLanes, values[v]);
  }
  void finish(const SumBlock& block) const {
    simd::with_kind(args.epilogue.activation.kind,
                    [&](auto tag) { finish_block<decltype(tag)::kValue>(args, block); });
  }
  const GemmS8Args& args;
  RealSums<V> real;
};

// The epilogue of one panel after another: `begin` takes a panel's columns, `rows` stores their
// sums.
template <typename V, typename Store, size_t kVectors>
class Epilogue {
 public:
  Epilogue(const GemmS8Args& args, const Correction& correction)
      : args_(args),
        correction_(correction),
        store_(args),
        row_zero_(correction.sums == nullptr ? nullptr : args.a_row_zero) {}

  // At most kVectors vectors of columns.
  void begin(size_t column, size_t count) {
    width_ = count;
    vectors_ = (count + V::kLanes - 1) / V::kLanes;
    for (size_t v = 0; v < vectors_; ++v) {
      const size_t left = count - v * V::kLanes;
      columns_[v] = load_columns<V>(args_, correction_, column + v * V::kLanes,
                                    left < V::kLanes ? left : V::kLanes);
    }
  }

  // A single row, without `begin`.
  void row(size_t m, size_t column, size_t count, int32_t* acc) const {
    constexpr size_t kStep = kTogether * V::kLanes;
    size_t n = 0;
    for (; n + kStep <= count; n += kStep) row_of<kTogether>(m, column + n, kStep, acc + n);
    for (; n < count; n += V::kLanes)
      row_of<1>(m, column + n, count - n < V::kLanes ? count - n : V::kLanes, acc + n);
    store_.finish({m, 1, column, count, acc, 0});
  }

  // acc is [count][stride].
  void rows(size_t row, size_t count, int32_t* acc, size_t stride) const {
    const SumBlock block = {row, count, columns_[0].begin, width_, acc, stride};
    for (size_t v = 0; v < vectors_; v += kTogether) {
      if (row_zero_ != nullptr || (correction_.zeros != nullptr && !correction_.one_zero))
        rows_of<ByRow::columns, kTogether>(block, v);
      else if (correction_.zeros != nullptr)
        rows_of<ByRow::one, kTogether>(block, v);
      else
        rows_of<ByRow::nothing, kTogether>(block, v);
    }
    store_.finish(block);
  }

 private:
  // What a row takes off its sums: nothing, the same of all, or of each column its own.
  enum class ByRow : uint8_t { nothing, one, columns };
  // Vectors whose columns the registers hold.
  static constexpr size_t kTogether = kVectors < 4 ? kVectors : 4;

  // N vectors; `width` is short of them only for one.
  template <size_t N>
  __attribute__((always_inline)) void row_of(size_t m, size_t column, size_t width,
                                             int32_t* acc) const {
    const bool by_row = row_zero_ != nullptr || correction_.zeros != nullptr;
    Columns<V> columns[N];
    typename V::Int sums[N];
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v) {
      const size_t at = v * V::kLanes;
      columns[v] =
          load_columns<V>(args_, correction_, column + at, N == 1 ? width : size_t{V::kLanes});
      sums[v] = V::add(V::load_int(acc + at, V::kLanes), columns[v].bias);
      if (by_row) sums[v] = corrected(correction_, row_zero_, columns[v], m, sums[v]);
    }
    store_.row(columns, m, width, sums, acc);
  }

  // The block's vectors from `first` on, N or as many as there are.
  template <ByRow kByRow, size_t N>
  void rows_of(const SumBlock& all, size_t first) const {
    if constexpr (N > 1)
      if (vectors_ - first < N) return rows_of<kByRow, N - 1>(all, first);
    // What is stored may alias all that isn't local, as far as the compiler knows.
    const SumBlock block = all;
    const Store store = store_;
    const Correction correction = correction_;
    const int32_t* const row_zero = row_zero_;
    Columns<V> columns[N];
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v) columns[v] = columns_[first + v];
    const size_t width = (N - 1) * V::kLanes + columns[N - 1].count;
    for (size_t r = 0; r < block.rows; ++r) {
      int32_t* place = block.sums + r * block.stride + first * V::kLanes;
      typename V::Int offset = V::zero_int();
      if constexpr (kByRow == ByRow::one)
        offset = V::set_int(correction.row_sums[block.row + r] * *correction.zeros);
      typename V::Int sums[N];
#pragma GCC unroll 4
      for (size_t v = 0; v < N; ++v) {
        sums[v] = V::add(V::load_int(place + v * V::kLanes, V::kLanes), columns[v].bias);
        if constexpr (kByRow == ByRow::one) sums[v] = V::subtract(sums[v], offset);
        if constexpr (kByRow == ByRow::columns)
          sums[v] = corrected(correction, row_zero, columns[v], block.row + r, sums[v]);
      }
      store.row(columns, block.row + r, width, sums, place);
    }
  }

  static typename V::Int corrected(const Correction& correction, const int32_t* row_zero,
                                   const Columns<V>& c, size_t m, typename V::Int sum) {
    if (row_zero != nullptr)
      sum = V::subtract(sum,
                        V::multiply_int(c.sums, V::set_int(row_zero[m] + correction.zero_shift)));
    if (correction.zeros != nullptr)
      sum = V::subtract(sum, V::multiply_int(c.zeros, V::set_int(correction.row_sums[m])));
    return sum;
  }

  const GemmS8Args& args_;
  const Correction correction_;
  const Store store_;
  const int32_t* const row_zero_;
  Columns<V> columns_[kVectors];
  size_t width_ = 0, vectors_ = 0;
};

// Calls f with the epilogue of the output's type.
template <typename V, size_t kVectors, typename F>
void with_epilogue(const GemmS8Args& args, const Correction& correction, F f) {
  if (args.epilogue.curve != nullptr)
    return f(Epilogue<V, StoreCurve<V>, kVectors>(args, correction));
  if (args.epilogue.type != GemmS8Output::s32 && finishes_floats(args.epilogue))
    return f(Epilogue<V, StoreFinished<V>, kVectors>(args, correction));
  switch (args.epilogue.type) {
    case GemmS8Output::s32: f(Epilogue<V, StoreSums<V>, kVectors>(args, correction)); break;
    case GemmS8Output::u8:
    case GemmS8Output::s8: f(Epilogue<V, StoreCodes<V>, kVectors>(args, correction)); break;
    case GemmS8Output::f32: f(Epilogue<V, StoreFloats<V>, kVectors>(args, correction)); break;
  }
}

// The table lookup of a whole tile's codes, by the including file's lookup_bytes.
inline void finish_lookup(const GemmS8Args& args, size_t row_begin, size_t row_end,
                          size_t column_begin, size_t column_end) {
  const GemmS8Epilogue& e = args.epilogue;
  if (e.lookup == nullptr || e.code_scale > 0.0F || e.type == GemmS8Output::s32 ||
      e.type == GemmS8Output::f32)
    return;
  for (size_t m = row_begin; m < row_end; ++m) {
    uint8_t* codes = static_cast<uint8_t*>(args.c) + m * args.c_stride + column_begin;
    lookup_bytes(codes, codes, column_end - column_begin, e.lookup);
  }
}
