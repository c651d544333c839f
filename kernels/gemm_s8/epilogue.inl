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
  typename V::Float multiplier, bias_f32, addend;
};

template <typename V>
inline __attribute__((always_inline)) Columns<V> load_columns(const GemmS8Args& args,
                                                              const Correction& correction,
                                                              size_t begin, size_t count) {
  const GemmS8Epilogue& e = args.epilogue;
  Columns<V> c{begin, count, V::zero_int(), V::zero(), V::zero(), V::zero()};
  if (e.bias != nullptr) c.bias = V::load_int(e.bias + begin, count);
  if (correction.sums != nullptr && args.a_row_zero == nullptr)
    c.bias = V::subtract(c.bias, V::multiply_int(V::load_int(correction.sums + begin, count),
                                                 V::set_int(args.a_zero + correction.zero_shift)));
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

// Whether rows take off their sums what differs from column to column.
inline bool corrects_rows(const GemmS8Args& args, const Correction& correction) {
  return (correction.zeros != nullptr && !correction.one_zero) ||
         (correction.sums != nullptr && args.a_row_zero != nullptr);
}
// Takes that off.
template <typename V>
__attribute__((noinline)) void correct_block(const GemmS8Args& args, const Correction& correction,
                                             const SumBlock& block) {
  const int32_t* row_zero = correction.sums == nullptr ? nullptr : args.a_row_zero;
  const int32_t* zeros = correction.one_zero ? nullptr : correction.zeros;
  for (size_t r = 0; r < block.rows; ++r) {
    const size_t m = block.row + r;
    const typename V::Int zero =
        V::set_int(row_zero == nullptr ? 0 : row_zero[m] + correction.zero_shift);
    const typename V::Int sum = V::set_int(zeros == nullptr ? 0 : correction.row_sums[m]);
    for (size_t n = 0; n < block.columns; n += V::kLanes) {
      const size_t at = block.column + n, left = block.columns - n;
      const size_t count = left < V::kLanes ? left : size_t{V::kLanes};
      int32_t* to = block.sums + r * block.stride + n;
      typename V::Int v = V::load_int(to, V::kLanes);
      if (row_zero != nullptr)
        v = V::subtract(v, V::multiply_int(V::load_int(correction.sums + at, count), zero));
      if (zeros != nullptr)
        v = V::subtract(v, V::multiply_int(V::load_int(zeros + at, count), sum));
      V::store_int(to, V::kLanes, v);
    }
  }
}

// What a row takes off all its sums where there is one zero point.
inline int32_t row_offset(const Correction& correction, size_t m) {
  return correction.row_sums[m] * *correction.zeros;
}

// Blocks of sums to C.
template <typename V, typename Store>
class BlockEnd {
 public:
  BlockEnd(const GemmS8Args& args, const Correction& correction)
      : args_(args),
        correction_(correction),
        corrects_(corrects_rows(args, correction)),
        store_(args) {}

  __attribute__((noinline)) void operator()(const SumBlock& block) const {
    if (corrects_) correct_block<V>(args_, correction_, block);
    for (size_t n = 0; n < block.columns; n += kTogether * V::kLanes)
      vectors<kTogether>(block, n, block.columns - n);
    store_.finish(block);
  }

 private:
  // Vectors whose columns the registers hold: AVX2 has 16.
  static constexpr size_t kTogether = sizeof(typename V::Int) == 32 ? 2 : 4;

  // N vectors from column n of the block on, or as many as the `left` columns have.
  template <size_t N>
  void vectors(const SumBlock& all, size_t n, size_t left) const {
    if constexpr (N > 1)
      if (left <= (N - 1) * V::kLanes) return vectors<N - 1>(all, n, left);
    // What is stored may alias all that isn't local, as far as the compiler knows.
    const SumBlock block = all;
    const Store store = store_;
    const Correction correction = correction_;
    const size_t width = left < N * V::kLanes ? left : N * V::kLanes;
    Columns<V> columns[N];
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v)
      columns[v] = load_columns<V>(args_, correction_, block.column + n + v * V::kLanes,
                                   v + 1 < N ? size_t{V::kLanes} : width - v * V::kLanes);
    for (size_t r = 0; r < block.rows; ++r) {
      int32_t* place = block.sums + r * block.stride + n;
      typename V::Int sums[N];
#pragma GCC unroll 4
      for (size_t v = 0; v < N; ++v)
        sums[v] = V::add(V::load_int(place + v * V::kLanes, V::kLanes), columns[v].bias);
      if (correction.one_zero) {
        const typename V::Int offset = V::set_int(row_offset(correction, block.row + r));
#pragma GCC unroll 4
        for (size_t v = 0; v < N; ++v) sums[v] = V::subtract(sums[v], offset);
      }
      store.row(columns, block.row + r, width, sums, place);
    }
  }

  const GemmS8Args& args_;
  const Correction correction_;
  const bool corrects_;
  const Store store_;
};

// A BlockEnd of any output: what uses it is compiled once.
class AnyEnd {
 public:
  template <typename End>
  explicit AnyEnd(const End& end)
      : end_(&end), call_([](const void* of, const SumBlock& block) {
          (*static_cast<const End*>(of))(block);
        }) {}
  void operator()(const SumBlock& block) const { call_(end_, block); }

 private:
  const void* end_;
  void (*call_)(const void*, const SumBlock&);
};

// Calls f with the end of the output's type.
template <typename V, typename F>
void with_end(const GemmS8Args& args, const Correction& correction, F f) {
  if (args.epilogue.curve != nullptr) return f(BlockEnd<V, StoreCurve<V>>(args, correction));
  if (args.epilogue.type != GemmS8Output::s32 && finishes_floats(args.epilogue))
    return f(BlockEnd<V, StoreFinished<V>>(args, correction));
  switch (args.epilogue.type) {
    case GemmS8Output::s32: return f(BlockEnd<V, StoreSums<V>>(args, correction));
    case GemmS8Output::u8:
    case GemmS8Output::s8: return f(BlockEnd<V, StoreCodes<V>>(args, correction));
    case GemmS8Output::f32: return f(BlockEnd<V, StoreFloats<V>>(args, correction));
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
