// The parts of rnn_s8 that its variants share, over V of kernels/simd, G k to a group and Dots.
// Included inside an anonymous namespace.
//
// Packed R: vectors of V::kLanes units go together in panels of P (the last one may have less),
// each float scale[vectors][gates][lanes], int32_t sums[blocks][vectors][gates][lanes] (of a
// block's weights), int8_t weights[groups of k][vectors][gates][lanes][k within the group], with
// zeros past the units and inputs.

constexpr size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

template <typename V, size_t G, size_t P, size_t kBlock>
struct Layout {
  static constexpr size_t kLanes = V::kLanes;
  static size_t blocks(size_t hidden) { return ceil_div(hidden, kBlock); }
  // Of a panel of one vector.
  static size_t weights_offset(size_t gates, size_t hidden) {
    return gates * kLanes * 4 * (1 + blocks(hidden));
  }
  static size_t vector_bytes(size_t gates, size_t hidden) {
    return weights_offset(gates, hidden) + ceil_div(hidden, G) * G * gates * kLanes;
  }
  static size_t packed_bytes(size_t gates, size_t hidden) {
    return ceil_div(hidden, kLanes) * vector_bytes(gates, hidden);
  }
  // Vectors of the panel that has this unit.
  static size_t vectors(size_t hidden, size_t unit) {
    const size_t first = unit / (P * kLanes) * P, all = ceil_div(hidden, kLanes);
    return all - first < P ? all - first : P;
  }
  // Where the panel of a unit begins.
  static size_t panel_offset(size_t gates, size_t hidden, size_t unit) {
    return unit / (P * kLanes) * P * vector_bytes(gates, hidden);
  }

  static void pack(const RnnWeights& w, void* packed) {
    __builtin_memset(packed, 0, packed_bytes(w.gates, w.hidden));
    for (size_t unit = 0; unit < w.hidden; ++unit)
      for (size_t gate = 0; gate < w.gates; ++gate) pack_row(w, gate, unit, packed);
  }

 private:
  static void pack_row(const RnnWeights& w, size_t gate, size_t unit, void* packed) {
    auto* panel = static_cast<uint8_t*>(packed) + panel_offset(w.gates, w.hidden, unit);
    const size_t vectors_here = vectors(w.hidden, unit), row = gate * w.hidden + unit;
    const size_t lanes = vectors_here * w.gates * kLanes;
    const size_t lane = (unit / kLanes % P * w.gates + gate) * kLanes + unit % kLanes;
    reinterpret_cast<float*>(panel)[lane] = w.scale[row * w.scale_stride];
    auto* sums = reinterpret_cast<int32_t*>(panel) + lanes;
    auto* weights =
        reinterpret_cast<int8_t*>(panel + vectors_here * weights_offset(w.gates, w.hidden));
    const auto* from = static_cast<const int8_t*>(w.data) + row * w.hidden;
    for (size_t k = 0; k < w.hidden; ++k) {
      sums[k / kBlock * lanes + lane] += from[k];
      weights[(k / G * lanes + lane) * G + k % G] = from[k];
    }
  }
};

// Codes of h for the state's scale.
template <typename V, typename Codes>
typename V::Int state_codes(typename V::Float h, float scale) {
  typename V::Float code = V::multiply(h, V::set(1.0F / scale));
  code = V::max(V::min(code, V::set(Codes::kMost)), V::set(-Codes::kMost));
  return V::round(code);
}

// Dots: `multiply<R, P, N>` sums the groups [begin, end) of N gates, P vectors and R rows,
// `corrected` makes that exact by the sums of the weights, `store` writes Codes into a state of
// `state_bytes`.
template <typename VectorType, size_t G, typename Dots>
struct CellS8 {
  using V = VectorType;
  static constexpr size_t kRows = Dots::kRows, kVectors = Dots::kVectors;
  using Codes = typename Dots::Codes;
  using Packed = Layout<V, G, kVectors, Codes::kBlock>;

  static size_t packed_bytes(size_t gates, size_t hidden) {
    return Packed::packed_bytes(gates, hidden);
  }
  static void pack(const RnnWeights& w, void* packed) { Packed::pack(w, packed); }
  static size_t state_bytes(size_t hidden) { return Dots::state_bytes(hidden); }
  static void encode(const float* h, size_t hidden, float scale, void* state) {
    for (size_t i = 0; i < hidden; i += V::kLanes) {
      const size_t count = hidden - i < V::kLanes ? hidden - i : V::kLanes;
      Dots::store(state, hidden, i, state_codes<V, Codes>(V::load(h + i, count), scale));
    }
  }
  static void store_state(const RnnRow& row, void* state, const Units& units, typename V::Float h) {
    Dots::store(state, units.hidden, units.begin, state_codes<V, Codes>(h, row.scale));
  }

  template <size_t R, size_t P, size_t N>
  static void sums(const RnnStep& step, const Pass& pass, size_t unit, const RnnRow* rows) {
    // An LSTM's four gates go together, and only they: a constant step of weights.
    constexpr size_t kGates = N == 4 ? 4 : 3, kStep = kGates * V::kLanes;
    const Panel panel{
        static_cast<const uint8_t*>(step.packed) + Packed::panel_offset(kGates, step.hidden, unit),
        P == kVectors ? P : Packed::vectors(step.hidden, unit)};
    const size_t vector = unit / V::kLanes % kVectors,
                 first = vector * kStep + pass.first * V::kLanes;
    const uint8_t* weights =
        panel.at + panel.vectors * Packed::weights_offset(kGates, step.hidden) + first * G;
    const void* states[R];
    states_of(pass, rows, states);
    const size_t groups = ceil_div(step.hidden, G);
    for (size_t block = 0; block * kBlockGroups < groups; ++block) {
      const size_t begin = block * kBlockGroups;
      const size_t end = groups - begin < kBlockGroups ? groups : begin + kBlockGroups;
      typename V::Int acc[R][P][N];
      Dots::template multiply<R, P, N>(weights, kStep * G, panel.vectors * kStep * G, step.hidden,
                                       states, begin, end, acc);
#pragma GCC unroll 4
      for (size_t p = 0; p < P; ++p)
#pragma GCC unroll 4
        for (size_t n = 0; n < N; ++n) {
          const size_t lane = first + p * kStep + n * V::kLanes;
          const Part part{reinterpret_cast<const float*>(panel.at) + lane,
                          reinterpret_cast<const int32_t*>(panel.at) +
                              (block + 1) * panel.vectors * kStep + lane,
                          block == 0};
#pragma GCC unroll 4
          for (size_t r = 0; r < R; ++r)
            add_block(step, pass, units_at<V>(step.hidden, unit + p * V::kLanes), n, rows[r], part,
                      acc[r][p][n]);
        }
    }
  }

 private:
  static constexpr size_t kBlockGroups = Codes::kBlock / G;

  struct Panel {
    const uint8_t* at;
    size_t vectors;
  };
  // What goes with a block's sums of one gate.
  struct Part {
    const float* scale;
    const int32_t* weight_sums;
    bool is_first;
  };

  // Adds a block's sum n to sum_at.
  static inline __attribute__((always_inline)) void add_block(const RnnStep& step, const Pass& pass,
                                                              const Units& units, size_t n,
                                                              const RnnRow& row, const Part& part,
                                                              typename V::Int acc) {
    float* sum = sum_at<V>(row, pass, units, n);
    const typename V::Float before =
        part.is_first ? initial<V>(step, pass, row, units, n) : V::load(sum, V::kLanes);
    const typename V::Float factor = V::multiply(V::load(part.scale, V::kLanes), V::set(row.scale));
    V::store(sum, V::kLanes,
             V::fma(V::to_float(Dots::corrected(acc, part.weight_sums)), factor, before));
  }
};

template <typename Cell>
constexpr RnnCell table_of() {
  return {Cell::packed_bytes, Cell::pack,     Cell::state_bytes, Cell::encode,
          lstm_step<Cell>,    gru_step<Cell>, Cell::Codes::kMost};
}
