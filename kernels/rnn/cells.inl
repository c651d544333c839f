// What follows a cell's sums, over a vector type V of kernels/simd with math/*.h. A lane is a
// hidden unit. Included inside an anonymous namespace.

// A step runs in two passes, so that the functions of many units overlap: first the sums of all
// units into RnnRow::sums ([vector][gate][lanes]), then what makes states of them.

// The units of one vector.
struct Units {
  size_t hidden, begin, count;
};

// Which sums a pass takes: the gates [first, first + N) of all `gates`.
struct Pass {
  size_t gates, first;
  bool from_reset_state;
  bool bias_is_initial;  // gate 2 starts at the recurrent bias in place of the projection
};

template <typename V>
inline __attribute__((always_inline)) Units units_at(size_t hidden, size_t begin) {
  return {hidden, begin, hidden - begin < V::kLanes ? hidden - begin : V::kLanes};
}

template <typename V, typename F>
inline __attribute__((always_inline)) void each_vector(size_t hidden, F f) {
  for (size_t begin = 0; begin < hidden; begin += V::kLanes) f(units_at<V>(hidden, begin));
}

template <typename V>
inline __attribute__((always_inline)) typename V::Float initial(const RnnStep& step,
                                                                const Pass& pass, const RnnRow& row,
                                                                const Units& units, size_t n) {
  const size_t gate = pass.first + n;
  if (!(pass.bias_is_initial && gate == 2))
    return V::load(row.gates + gate * units.hidden + units.begin, units.count);
  if (step.recurrent_bias == nullptr) return V::zero();
  return V::load(step.recurrent_bias + units.begin, units.count);
}

template <typename V>
inline __attribute__((always_inline)) typename V::Float sum_of(const RnnRow& row, size_t gates,
                                                               const Units& units, size_t gate) {
  return V::load(row.sums + units.begin * gates + gate * V::kLanes, V::kLanes);
}

// Where a pass leaves sum n of a vector of units.
template <typename V>
inline __attribute__((always_inline)) float* sum_at(const RnnRow& row, const Pass& pass,
                                                    const Units& units, size_t n) {
  return row.sums + units.begin * pass.gates + (pass.first + n) * V::kLanes;
}

template <size_t R>
void states_of(const Pass& pass, const RnnRow* rows, const void* (&states)[R]) {
  for (size_t r = 0; r < R; ++r)
    states[r] = pass.from_reset_state ? rows[r].reset_state : rows[r].state;
}

// Cell::sums<R, P, N> fills sum_at of P vectors of units from `begin` on and R rows with initial +
// R h. A single row takes Cell::kVectors at a time, more rows one vector and Cell::kRows rows.
template <typename Cell, size_t N>
void sum_units(const RnnStep& step, const Pass& pass, size_t begin, size_t end) {
  constexpr size_t kLanes = Cell::V::kLanes, kRows = Cell::kRows, kVectors = Cell::kVectors;
  if (step.rows == 1 && begin + (kVectors - 1) * kLanes < end)
    return Cell::template sums<1, kVectors, N>(step, pass, begin, step.row);
  for (; begin < end; begin += kLanes) {
    size_t r = 0;
    for (; r + kRows <= step.rows; r += kRows)
      Cell::template sums<kRows, 1, N>(step, pass, begin, step.row + r);
    for (; r < step.rows; ++r) Cell::template sums<1, 1, N>(step, pass, begin, step.row + r);
  }
}

template <typename Cell, size_t N>
void sum_pass(const RnnStep& step, const Pass& pass) {
  constexpr size_t kUnits = Cell::kVectors * Cell::V::kLanes;
  const size_t panels = (step.hidden + kUnits - 1) / kUnits;
  for (size_t i = 0; i < panels; ++i) {
    const size_t begin = (step.from_last ? panels - 1 - i : i) * kUnits;
    const size_t left = step.hidden - begin;
    sum_units<Cell, N>(step, pass, begin, begin + (left < kUnits ? left : kUnits));
  }
}

template <typename Cell>
inline __attribute__((always_inline)) void finish_units(const RnnRow& row, const Units& units,
                                                        typename Cell::V::Float h) {
  using V = typename Cell::V;
  V::store(row.hidden + units.begin, units.count, h);
  if (row.y != nullptr) V::store(row.y + units.begin, units.count, h);
  Cell::store_state(row, row.next_state, units, h);
}

template <typename Cell>
void lstm_step(const RnnStep& step) {
  using V = typename Cell::V;
  sum_pass<Cell, 4>(step, {4, 0, false, false});
  for (size_t r = 0; r < step.rows; ++r) {
    const RnnRow& row = step.row[r];
    each_vector<V>(
        step.hidden, [&](const Units& units) __attribute__((always_inline)) {
          const typename V::Float i = math::sigmoid(sum_of<V>(row, 4, units, 0));
          const typename V::Float o = math::sigmoid(sum_of<V>(row, 4, units, 1));
          const typename V::Float f = math::sigmoid(sum_of<V>(row, 4, units, 2));
          const typename V::Float in = V::multiply(i, math::tanh(sum_of<V>(row, 4, units, 3)));
          const typename V::Float cell =
              V::fma(f, V::load(row.cell + units.begin, units.count), in);
          V::store(row.cell + units.begin, units.count, cell);
          finish_units<Cell>(row, units, V::multiply(o, math::tanh(cell)));
        });
  }
}

// h(t) from z and the candidate before its tanh.
template <typename Cell>
inline __attribute__((always_inline)) void gru_units(const RnnRow& row, const Units& units,
                                                     typename Cell::V::Float z,
                                                     typename Cell::V::Float candidate) {
  using V = typename Cell::V;
  const typename V::Float n = math::tanh(candidate);
  const typename V::Float old = V::load(row.hidden + units.begin, units.count);
  finish_units<Cell>(row, units, V::fma(z, V::subtract(old, n), n));
}

template <typename Cell>
void gru_linear_step(const RnnStep& step) {
  using V = typename Cell::V;
  sum_pass<Cell, 3>(step, {3, 0, false, true});
  for (size_t r = 0; r < step.rows; ++r) {
    const RnnRow& row = step.row[r];
    each_vector<V>(step.hidden, [&](const Units& units) {
      const typename V::Float x = V::load(row.gates + 2 * units.hidden + units.begin, units.count);
      const typename V::Float reset = math::sigmoid(sum_of<V>(row, 3, units, 1));
      gru_units<Cell>(row, units, math::sigmoid(sum_of<V>(row, 3, units, 0)),
                      V::fma(reset, sum_of<V>(row, 3, units, 2), x));
    });
  }
}

template <typename Cell>
void gru_reset_step(const RnnStep& step) {
  using V = typename Cell::V;
  sum_pass<Cell, 2>(step, {3, 0, false, false});
  for (size_t r = 0; r < step.rows; ++r) {
    const RnnRow& row = step.row[r];
    each_vector<V>(step.hidden, [&](const Units& units) {
      const typename V::Float old = V::load(row.hidden + units.begin, units.count);
      Cell::store_state(row, row.reset_state, units,
                        V::multiply(math::sigmoid(sum_of<V>(row, 3, units, 1)), old));
    });
  }
  sum_pass<Cell, 1>(step, {3, 2, true, false});
  for (size_t r = 0; r < step.rows; ++r) {
    const RnnRow& row = step.row[r];
    each_vector<V>(step.hidden, [&](const Units& units) {
      gru_units<Cell>(row, units, math::sigmoid(sum_of<V>(row, 3, units, 0)),
                      sum_of<V>(row, 3, units, 2));
    });
  }
}

template <typename Cell>
void gru_step(const RnnStep& step) {
  step.linear_before_reset ? gru_linear_step<Cell>(step) : gru_reset_step<Cell>(step);
}
