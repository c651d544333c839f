// The parts of rnn_s8 that its x86 variants share, over V of kernels/vec, G k to a group and Dots.
// Included inside an anonymous namespace.
//
// Packed R: a panel for each V::kLanes units: float scale[gates][lanes], int32_t
// sums[blocks][gates] [lanes] (of a block's weights), int8_t weights[groups of k][gates][lanes][k
// within the group], with zeros past the units and inputs.

constexpr size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

template <typename V, size_t G>
struct Layout {
  static constexpr size_t kLanes = V::kLanes;
  static size_t blocks(size_t hidden) { return ceil_div(hidden, kRnnS8Block); }
  static size_t weights_offset(size_t gates, size_t hidden) {
    return gates * kLanes * 4 * (1 + blocks(hidden));
  }
  static size_t panel_bytes(size_t gates, size_t hidden) {
    return weights_offset(gates, hidden) + ceil_div(hidden, G) * G * gates * kLanes;
  }
  static size_t packed_bytes(size_t gates, size_t hidden) {
    return ceil_div(hidden, kLanes) * panel_bytes(gates, hidden);
  }

  static void pack(const RnnWeights& w, void* packed) {
    __builtin_memset(packed, 0, packed_bytes(w.gates, w.hidden));
    for (size_t unit = 0; unit < w.hidden; ++unit)
      for (size_t gate = 0; gate < w.gates; ++gate) pack_row(w, gate, unit, packed);
  }

 private:
  static void pack_row(const RnnWeights& w, size_t gate, size_t unit, void* packed) {
    auto* panel = static_cast<uint8_t*>(packed) + unit / kLanes * panel_bytes(w.gates, w.hidden);
    const size_t lane = gate * kLanes + unit % kLanes, row = gate * w.hidden + unit;
    reinterpret_cast<float*>(panel)[lane] = w.scale[row * w.scale_stride];
    auto* sums = reinterpret_cast<int32_t*>(panel + w.gates * kLanes * 4);
    auto* weights = reinterpret_cast<int8_t*>(panel + weights_offset(w.gates, w.hidden));
    const auto* from = static_cast<const int8_t*>(w.data) + row * w.hidden;
    for (size_t k = 0; k < w.hidden; ++k) {
      sums[k / kRnnS8Block * w.gates * kLanes + lane] += from[k];
      weights[(k / G * w.gates * kLanes + lane) * G + k % G] = from[k];
    }
  }
};

// Codes of h for the state's scale.
template <typename V>
typename V::Int state_codes(typename V::Float h, float scale) {
  typename V::Float code = V::multiply(h, V::set(1.0F / scale));
  code = V::max(V::min(code, V::set(32767.0F)), V::set(-32767.0F));
  return V::round(code);
}

// Dots: `multiply<R, N>(weights, stride, states, begin, end, acc)` gives exact sums over the groups
// [begin, end) less what `correct` takes off by the weights' sums, `store` writes codes.
template <typename VectorType, size_t G, typename Dots>
struct CellS8 {
  using V = VectorType;
  using Packed = Layout<V, G>;

  static size_t packed_bytes(size_t gates, size_t hidden) {
    return Packed::packed_bytes(gates, hidden);
  }
  static void pack(const RnnWeights& w, void* packed) { Packed::pack(w, packed); }
  static size_t state_bytes(size_t hidden) { return ceil_div(hidden, 64) * 64 * sizeof(int16_t); }
  static void encode(const float* h, size_t hidden, float scale, void* state) {
    for (size_t i = 0; i < hidden; i += V::kLanes) {
      const size_t count = hidden - i < V::kLanes ? hidden - i : V::kLanes;
      Dots::store(state, hidden, i, state_codes<V>(V::load(h + i, count), scale));
    }
  }
  static void store_state(const RnnRow& row, void* state, const Units& units, typename V::Float h) {
    Dots::store(state, units.hidden, units.begin, state_codes<V>(h, row.scale));
  }

  template <size_t R, size_t N>
  static void sums(const RnnStep& step, size_t gates, size_t first, const Units& units,
                   const RnnRow* rows, const void* const (&states)[R],
                   typename V::Float (&out)[R][N]) {
    const auto* panel = static_cast<const uint8_t*>(step.packed) +
                        units.begin / V::kLanes * Packed::panel_bytes(gates, step.hidden);
    const float* scale = reinterpret_cast<const float*>(panel) + first * V::kLanes;
    const auto* block_sums = reinterpret_cast<const int32_t*>(panel) + (gates + first) * V::kLanes;
    const uint8_t* weights =
        panel + Packed::weights_offset(gates, step.hidden) + first * V::kLanes * G;
    const size_t groups = ceil_div(step.hidden, G);
    for (size_t begin = 0; begin < groups; begin += kRnnS8Block / G) {
      const size_t end = groups - begin < kRnnS8Block / G ? groups : begin + kRnnS8Block / G;
      typename V::Int acc[R][N];
      Dots::template multiply<R, N>(weights, gates * V::kLanes * G, step.hidden, states, begin, end,
                                    block_sums, acc);
#pragma GCC unroll 2
      for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n)
          out[r][n] =
              V::fma(V::to_float(acc[r][n]),
                     V::multiply(V::load(scale + n * V::kLanes, V::kLanes), V::set(rows[r].scale)),
                     out[r][n]);
      block_sums += gates * V::kLanes;
    }
  }
};
