// The float end of an epilogue: residual, activation, and rounding to codes. Included by
// epilogue.inl.

// Codes of sixteen values, the first `count` of which are stored.
template <typename V>
struct ValueCodes {
  explicit ValueCodes(const GemmS8Epilogue& e)
      : scale(simd::set(e.code_scale)),
        low(V::set(static_cast<float>(e.low - e.zero_point))),
        high(V::set(static_cast<float>(e.high - e.zero_point))),
        zero_point(V::set_int(e.zero_point)) {}
  // Overwrites `values`.
  void store(uint8_t* to, size_t count, simd::F32x16 value, float* values) const {
    value = simd::div(value, scale);
    simd::store(values, simd::select(simd::is_nan(value), simd::zero(), value));
    for (size_t i = 0; i < count; i += V::kLanes) {
      const typename V::Float part = V::min(V::max(V::load(values + i, V::kLanes), low), high);
      V::store_bytes(to + i, count - i < V::kLanes ? count - i : V::kLanes,
                     V::add(V::round(part), zero_point));
    }
  }
  simd::F32x16 scale;
  typename V::Float low, high;
  typename V::Int zero_point;
};

// The block's sums are real numbers.
template <typename V, ActivationKind kKind>
void finish_block(const GemmS8Args& args, const SumBlock& block) {
  const GemmS8Epilogue& e = args.epilogue;
  const ValueCodes<V> codes(e);
  const float* residual = e.residual;
  const bool last = e.residual_last, stores_floats = e.type == GemmS8Output::f32;
  const Activation activation = e.activation;
  for (size_t r = 0; r < block.rows; ++r) {
    const size_t at = (block.row + r) * args.c_stride + block.column;
    const float* added = residual == nullptr
                             ? nullptr
                             : residual + (block.row + r) * e.residual_stride + block.column;
    auto* values = reinterpret_cast<float*>(block.sums + r * block.stride);
    for (size_t n = 0; n < block.columns; n += 16) {
      const size_t left = block.columns - n;
      const simd::Mask16 some = simd::first(left < 16 ? left : 16);
      simd::F32x16 value = simd::load(values + n);
      if (added != nullptr && !last) value = simd::add(value, simd::load(added + n, some));
      value = simd::activate<kKind>(value, activation);
      if (added != nullptr && last) value = simd::add(value, simd::load(added + n, some));
      if (stores_floats)
        simd::store(static_cast<float*>(args.c) + at + n, value, some);
      else
        codes.store(static_cast<uint8_t*>(args.c) + at + n, left < 16 ? left : 16, value,
                    values + n);
    }
  }
}
