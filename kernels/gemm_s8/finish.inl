// The float end of an epilogue: residual, activation, and rounding to codes. Included by
// epilogue.inl.

// Where a row of a block goes. A store of codes may alias what is read by reference, as far as the
// compiler knows: all of this is to be held in registers.
struct FinishedRow {
  const float* values;
  const float* residual;  // null: none
  bool residual_last;
  float* floats;   // null:
  uint8_t* codes;  // the codes
};

// Vectors that are finished side by side, so that the chains of one fill the gaps of another's.
constexpr size_t kFinishedTogether = simd::kRegisters < 32 ? 1 : 2;

// N whole vectors, or the first `count` of one.
template <ActivationKind kKind, size_t N>
inline __attribute__((always_inline)) void finish_vectors(const FinishedRow& row, size_t n,
                                                          size_t count,
                                                          const Activation& activation,
                                                          const simd::Codes& codes) {
  const bool whole = N > 1 || count == 16;
  const auto add_residual = [&](simd::F32x16(&values)[N]) __attribute__((always_inline)) {
#pragma GCC unroll 4
    for (size_t v = 0; v < N; ++v) {
      const float* from = row.residual + n + v * 16;
      values[v] =
          simd::add(values[v], whole ? simd::load(from) : simd::load(from, simd::first(count)));
    }
  };
  simd::F32x16 values[N];
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v) values[v] = simd::load(row.values + n + v * 16);
  if (row.residual != nullptr && !row.residual_last) add_residual(values);
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v) values[v] = simd::activate<kKind>(values[v], activation);
  if (row.residual != nullptr && row.residual_last) add_residual(values);
#pragma GCC unroll 4
  for (size_t v = 0; v < N; ++v) {
    const size_t at = n + v * 16;
    if (row.floats == nullptr)
      simd::store_codes(row.codes + at, values[v], codes, whole ? 16 : count);
    else if (whole)
      simd::store(row.floats + at, values[v]);
    else
      simd::store(row.floats + at, values[v], simd::first(count));
  }
}

// The block's sums are real numbers.
template <ActivationKind kKind>
void finish_block(const GemmS8Args& args, const SumBlock block) {
  const GemmS8Epilogue& e = args.epilogue;
  const simd::Codes codes = simd::codes_of({e.code_scale, e.zero_point, e.low, e.high});
  const Activation activation = e.activation;
  for (size_t r = 0; r < block.rows; ++r) {
    const size_t m = block.row + r, at = m * args.c_stride + block.column;
    const bool floats = e.type == GemmS8Output::f32;
    const FinishedRow row = {
        reinterpret_cast<const float*>(block.sums + r * block.stride),
        e.residual == nullptr ? nullptr : e.residual + m * e.residual_stride + block.column,
        e.residual_last, floats ? static_cast<float*>(args.c) + at : nullptr,
        floats ? nullptr : static_cast<uint8_t*>(args.c) + at};
    size_t n = 0;
    if constexpr (kFinishedTogether > 1)
      for (; n + kFinishedTogether * 16 <= block.columns; n += kFinishedTogether * 16)
        finish_vectors<kKind, kFinishedTogether>(row, n, 16, activation, codes);
    for (; n < block.columns; n += 16) {
      const size_t left = block.columns - n;
      finish_vectors<kKind, 1>(row, n, left < 16 ? left : 16, activation, codes);
    }
  }
}
