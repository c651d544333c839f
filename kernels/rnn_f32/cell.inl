// rnn_f32 over a vector type V of kernels/simd. Included inside an anonymous namespace.
//
// Packed R: a panel for each V::kLanes units, [k][gates][lanes], with zeros past the units. State:
// float h.

constexpr size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

template <typename VectorType>
struct CellF32 {
  using V = VectorType;
  static constexpr size_t kRows = V::kLanes == 16 ? 4 : 2, kVectors = 2;

  static size_t packed_bytes(size_t gates, size_t hidden) {
    return ceil_div(hidden, V::kLanes) * V::kLanes * gates * hidden * sizeof(float);
  }
  static void pack(const RnnWeights& w, void* packed) {
    __builtin_memset(packed, 0, packed_bytes(w.gates, w.hidden));
    const auto* from = static_cast<const float*>(w.data);
    auto* to = static_cast<float*>(packed);
    for (size_t unit = 0; unit < w.hidden; ++unit)
      for (size_t gate = 0; gate < w.gates; ++gate)
        for (size_t k = 0; k < w.hidden; ++k)
          to[((unit / V::kLanes * w.hidden + k) * w.gates + gate) * V::kLanes + unit % V::kLanes] =
              from[(gate * w.hidden + unit) * w.hidden + k];
  }
  static size_t state_bytes(size_t hidden) { return ceil_div(hidden, 16) * 64; }
  static void encode(const float* h, size_t hidden, float /*scale*/, void* state) {
    __builtin_memcpy(state, h, hidden * sizeof(float));
  }
  static void store_state(const RnnRow& /*row*/, void* state, const Units& units,
                          typename V::Float h) {
    V::store(static_cast<float*>(state) + units.begin, units.count, h);
  }

  template <size_t R, size_t P, size_t N>
  static void sums(const RnnStep& step, const Pass& pass, size_t unit, const RnnRow* rows) {
    const size_t gates = pass.gates, panel = step.hidden * gates * V::kLanes;
    const float* weights =
        static_cast<const float*>(step.packed) + unit / V::kLanes * panel + pass.first * V::kLanes;
    const void* states[R];
    states_of(pass, rows, states);
    typename V::Float sum[R][P][N];
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n)
          sum[r][p][n] =
              initial<V>(step, pass, rows[r], units_at<V>(step.hidden, unit + p * V::kLanes), n);
    for (size_t k = 0; k < step.hidden; ++k) {
      typename V::Float w[P][N];
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n)
          w[p][n] = V::load(weights + p * panel + (k * gates + n) * V::kLanes, V::kLanes);
#pragma GCC unroll 4
      for (size_t r = 0; r < R; ++r) {
        const typename V::Float h = V::set(static_cast<const float*>(states[r])[k]);
#pragma GCC unroll 4
        for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
          for (size_t n = 0; n < N; ++n) sum[r][p][n] = V::fma(h, w[p][n], sum[r][p][n]);
      }
    }
#pragma GCC unroll 4
    for (size_t r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n)
          V::store(sum_at<V>(rows[r], pass, units_at<V>(step.hidden, unit + p * V::kLanes), n),
                   V::kLanes, sum[r][p][n]);
  }
};
