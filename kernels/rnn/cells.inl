// What follows a cell's sums, over a vector type V of kernels/vec with math/*.h. A lane is a hidden
// unit. Included inside an anonymous namespace.

// The units of one vector.
struct Units {
  size_t hidden, begin, count;
};

// The input projection of a gate.
template <typename V>
typename V::Float load_gate(const RnnRow& row, const Units& units, size_t gate) {
  return V::load(row.gates + gate * units.hidden + units.begin, units.count);
}

template <typename V>
void store_hidden(const RnnRow& row, const Units& units, typename V::Float h) {
  V::store(row.hidden + units.begin, units.count, h);
  if (row.y != nullptr) V::store(row.y + units.begin, units.count, h);
}

// gates: i, o, f, c before their functions. Gives h.
template <typename V>
typename V::Float lstm_units(const RnnRow& row, const Units& units,
                             const typename V::Float (&gates)[4]) {
  const typename V::Float in = V::multiply(math::sigmoid(gates[0]), math::tanh(gates[3]));
  const typename V::Float cell =
      V::fma(math::sigmoid(gates[2]), V::load(row.cell + units.begin, units.count), in);
  V::store(row.cell + units.begin, units.count, cell);
  const typename V::Float h = V::multiply(math::sigmoid(gates[1]), math::tanh(cell));
  store_hidden<V>(row, units, h);
  return h;
}

// The new state from z and the candidate before its tanh. Gives h.
template <typename V>
typename V::Float gru_units(const RnnRow& row, const Units& units, typename V::Float z,
                            typename V::Float candidate) {
  const typename V::Float n = math::tanh(candidate);
  const typename V::Float old = V::load(row.hidden + units.begin, units.count);
  const typename V::Float h = V::fma(z, V::subtract(old, n), n);
  store_hidden<V>(row, units, h);
  return h;
}

// The driver of a step over a family's Cell<V>: `Cell::sums<R, G>` adds R h to gates
// [first, first + G) of R rows, `Cell::store_state` encodes.
template <typename Cell, size_t R>
void lstm_rows(const RnnStep& step, const RnnRow* rows, const Units& units) {
  using V = typename Cell::V;
  typename V::Float gates[R][4];
  const void* states[R];
  for (size_t r = 0; r < R; ++r) {
    states[r] = rows[r].state;
    for (size_t g = 0; g < 4; ++g) gates[r][g] = load_gate<V>(rows[r], units, g);
  }
  Cell::template sums<R, 4>(step, 4, 0, units, rows, states, gates);
  for (size_t r = 0; r < R; ++r)
    Cell::store_state(rows[r], rows[r].next_state, units, lstm_units<V>(rows[r], units, gates[r]));
}

template <typename Cell, size_t R>
void gru_linear_rows(const RnnStep& step, const RnnRow* rows, const Units& units) {
  using V = typename Cell::V;
  typename V::Float gates[R][3];
  const void* states[R];
  for (size_t r = 0; r < R; ++r) {
    states[r] = rows[r].state;
    gates[r][0] = load_gate<V>(rows[r], units, 0);
    gates[r][1] = load_gate<V>(rows[r], units, 1);
    gates[r][2] = step.recurrent_bias == nullptr
                      ? V::zero()
                      : V::load(step.recurrent_bias + units.begin, units.count);
  }
  Cell::template sums<R, 3>(step, 3, 0, units, rows, states, gates);
  for (size_t r = 0; r < R; ++r) {
    const typename V::Float candidate =
        V::fma(math::sigmoid(gates[r][1]), gates[r][2], load_gate<V>(rows[r], units, 2));
    Cell::store_state(rows[r], rows[r].next_state, units,
                      gru_units<V>(rows[r], units, math::sigmoid(gates[r][0]), candidate));
  }
}

template <typename Cell, size_t R>
void gru_reset_rows(const RnnStep& step, const RnnRow* rows, const Units& units) {
  using V = typename Cell::V;
  typename V::Float gates[R][2];
  const void* states[R];
  for (size_t r = 0; r < R; ++r) {
    states[r] = rows[r].state;
    for (size_t g = 0; g < 2; ++g) gates[r][g] = load_gate<V>(rows[r], units, g);
  }
  Cell::template sums<R, 2>(step, 3, 0, units, rows, states, gates);
  for (size_t r = 0; r < R; ++r) {
    V::store(rows[r].update + units.begin, units.count, math::sigmoid(gates[r][0]));
    const typename V::Float old = V::load(rows[r].hidden + units.begin, units.count);
    Cell::store_state(rows[r], rows[r].reset_state, units,
                      V::multiply(math::sigmoid(gates[r][1]), old));
  }
}

template <typename Cell, size_t R>
void gru_candidate_rows(const RnnStep& step, const RnnRow* rows, const Units& units) {
  using V = typename Cell::V;
  typename V::Float gates[R][1];
  const void* states[R];
  for (size_t r = 0; r < R; ++r) {
    states[r] = rows[r].reset_state;
    gates[r][0] = load_gate<V>(rows[r], units, 2);
  }
  Cell::template sums<R, 1>(step, 3, 2, units, rows, states, gates);
  for (size_t r = 0; r < R; ++r) {
    const typename V::Float z = V::load(rows[r].update + units.begin, units.count);
    Cell::store_state(rows[r], rows[r].next_state, units,
                      gru_units<V>(rows[r], units, z, gates[r][0]));
  }
}

using RowsFunction = void (*)(const RnnStep&, const RnnRow*, const Units&);

// Calls the functions over all units, a few rows at a time: functions[i] takes i + 1 rows.
template <typename Cell, size_t N>
void over_units(const RnnStep& step, const RowsFunction (&functions)[N]) {
  for (size_t begin = 0; begin < step.hidden; begin += Cell::V::kLanes) {
    const size_t left = step.hidden - begin;
    const Units units{step.hidden, begin, left < Cell::V::kLanes ? left : Cell::V::kLanes};
    for (size_t r = 0; r < step.rows; r += N) {
      const size_t count = step.rows - r < N ? step.rows - r : N;
      functions[count - 1](step, step.row + r, units);
    }
  }
}

template <typename Cell>
void lstm_step(const RnnStep& step) {
  static constexpr RowsFunction kRows[] = {lstm_rows<Cell, 1>, lstm_rows<Cell, 2>};
  over_units<Cell>(step, kRows);
}

template <typename Cell>
void gru_step(const RnnStep& step) {
  static constexpr RowsFunction kLinear[] = {gru_linear_rows<Cell, 1>, gru_linear_rows<Cell, 2>};
  static constexpr RowsFunction kReset[] = {gru_reset_rows<Cell, 1>, gru_reset_rows<Cell, 2>};
  static constexpr RowsFunction kCandidate[] = {gru_candidate_rows<Cell, 1>,
                                                gru_candidate_rows<Cell, 2>};
  if (step.linear_before_reset) {
    over_units<Cell>(step, kLinear);
    return;
  }
  over_units<Cell>(step, kReset);
  over_units<Cell>(step, kCandidate);
}
