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

template <ActivationKind kKind>
inline __attribute__((always_inline)) void finish_vector(const FinishedRow& row, size_t n,
                                                         size_t count, const Activation& activation,
                                                         const simd::Codes& codes) {
  const bool whole = count == 16;
  const auto load = [ whole, count ](const float* p) __attribute__((always_inline)) {
    return whole ? simd::load(p) : simd::load(p, simd::first(count));
  };
  simd::F32x16 value = simd::load(row.values + n);
  if (row.residual != nullptr && !row.residual_last)
    value = simd::add(value, load(row.residual + n));
  value = simd::activate<kKind>(value, activation);
  if (row.residual != nullptr && row.residual_last)
    value = simd::add(value, load(row.residual + n));
  if (row.floats == nullptr)
    simd::store_codes(row.codes + n, value, codes, count);
  else if (whole)
    simd::store(row.floats + n, value);
  else
    simd::store(row.floats + n, value, simd::first(count));
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
    for (; n + 16 <= block.columns; n += 16) finish_vector<kKind>(row, n, 16, activation, codes);
    if (n < block.columns) finish_vector<kKind>(row, n, block.columns - n, activation, codes);
  }
}
