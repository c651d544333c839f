// LSTM, GRU and RNN with everything that ONNX allows, by plain loops.

#include <algorithm>

#include "engine/ops/common/recurrent_functions.h"

namespace octet::ops::recurrent {
namespace {

// One sequence in one direction. Vectors of a state have `hidden` elements.
template <typename T>
struct Sequence {
  const T* w;
  const T* r;
  const T* wb;         // null: no biases
  const T* rb;         // null: no biases
  const T* peepholes;  // of i, o, f; null: none
  size_t inputs, hidden;
  const Function* functions;
  const RecurrentAttrs* attrs;
  T* h;
  T* c;      // LSTM
  T* gates;  // [gates, hidden]
  T* reset;  // [hidden]
};

template <typename T>
T dot(const T* a, const T* b, size_t count) {
  T sum = 0;
  for (size_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// The clip is on what the gates' functions take, not on the cell's state.
template <typename T>
T gate(const Sequence<T>& s, size_t function, T x) {
  if (s.attrs->clip) {
    const T limit = static_cast<T>(*s.attrs->clip);
    x = std::min(std::max(x, -limit), limit);
  }
  return apply(s.functions[function], x);
}

template <typename T>
T from_input(const Sequence<T>& s, const T* x, size_t row) {
  return dot(s.w + row * s.inputs, x, s.inputs) + (s.wb == nullptr ? 0 : s.wb[row]);
}

template <typename T>
T from_state(const Sequence<T>& s, const T* h, size_t row) {
  return dot(s.r + row * s.hidden, h, s.hidden) + (s.rb == nullptr ? 0 : s.rb[row]);
}

template <typename T>
void lstm_cell(const Sequence<T>& s, const T* x) {
  const size_t n = s.hidden;
  for (size_t row = 0; row < 4 * n; ++row)
    s.gates[row] = from_input(s, x, row) + from_state(s, s.h, row);
  const auto peep = [&](size_t which, size_t u, T c) {
    return s.peepholes == nullptr ? 0 : s.peepholes[which * n + u] * c;
  };
  for (size_t u = 0; u < n; ++u) {
    const T i = gate(s, 0, s.gates[u] + peep(0, u, s.c[u]));
    const T f =
        s.attrs->input_forget != 0 ? 1 - i : gate(s, 0, s.gates[2 * n + u] + peep(2, u, s.c[u]));
    s.c[u] = f * s.c[u] + i * gate(s, 1, s.gates[3 * n + u]);
    const T o = gate(s, 0, s.gates[n + u] + peep(1, u, s.c[u]));
    s.h[u] = o * apply(s.functions[2], s.c[u]);
  }
}

template <typename T>
void gru_cell(const Sequence<T>& s, const T* x) {
  const size_t n = s.hidden;
  const bool linear = s.attrs->linear_before_reset != 0;
  for (size_t row = 0; row < 2 * n; ++row)
    s.gates[row] = gate(s, 0, from_input(s, x, row) + from_state(s, s.h, row));
  const T* z = s.gates;
  const T* r = s.gates + n;
  for (size_t u = 0; u < n; ++u) s.reset[u] = r[u] * s.h[u];
  for (size_t u = 0; u < n; ++u) {
    const T state =
        linear ? r[u] * from_state(s, s.h, 2 * n + u) : from_state(s, s.reset, 2 * n + u);
    s.gates[2 * n + u] = gate(s, 1, from_input(s, x, 2 * n + u) + state);
  }
  for (size_t u = 0; u < n; ++u) s.h[u] = (1 - z[u]) * s.gates[2 * n + u] + z[u] * s.h[u];
}

template <typename T>
void rnn_cell(const Sequence<T>& s, const T* x) {
  for (size_t u = 0; u < s.hidden; ++u)
    s.gates[u] = gate(s, 0, from_input(s, x, u) + from_state(s, s.h, u));
  std::copy_n(s.gates, s.hidden, s.h);
}

class ReferenceStep final : public Step {
 public:
  ReferenceStep(const Node& node, std::vector<Function> functions)
      : attrs_(attrs_of(node)), cell_(cell_of(node)), functions_(std::move(functions)) {}

  Status run(RunContext& context) const override {
    return context.input(kX).dtype == DType::f64 ? run_as<double>(context) : run_as<float>(context);
  }

  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> /*outputs*/,
                       size_t /*width*/) const override {
    const auto hidden = static_cast<size_t>(inputs[kR].dims[2]);
    return (gates_of(cell_) + 3) * hidden * sizeof(double);
  }

  StepInfo info() const override {
    const char* name = cell_ == Cell::lstm ? "lstm" : cell_ == Cell::gru ? "gru" : "rnn";
    return {name, "reference", Isa::scalar};
  }

 private:
  template <typename T>
  static const T* input(const RunContext& context, size_t i) {
    return context.has_input(i) ? context.input(i).as<T>() : nullptr;
  }

  template <typename T>
  Status run_as(RunContext& context) const {
    const Extents e = extents_of(attrs_, context.input(kX).dims, context.input(kR).dims);
    OCTET_ASSIGN(const int32_t* lengths, lengths_of(context, e));
    for (size_t d = 0; d < e.directions; ++d) {
      Sequence<T> sequence = direction<T>(context, e, d);
      for (size_t b = 0; b < e.batch; ++b) {
        if (context.stopped()) return Error{ErrorCode::deadline, "stopped"};
        run_sequence(context, e, d, b,
                     lengths == nullptr ? e.steps : static_cast<size_t>(lengths[b]), sequence);
      }
    }
    return {};
  }

  template <typename T>
  Sequence<T> direction(const RunContext& context, const Extents& e, size_t d) const {
    const size_t rows = gates_of(cell_) * e.hidden;
    const T* bias = input<T>(context, kB);
    const T* peepholes = cell_ == Cell::lstm ? input<T>(context, kPeepholes) : nullptr;
    T* at = reinterpret_cast<T*>(context.scratch().data());
    Sequence<T> s{};
    s.w = input<T>(context, kW) + d * rows * e.inputs;
    s.r = input<T>(context, kR) + d * rows * e.hidden;
    s.wb = bias == nullptr ? nullptr : bias + d * 2 * rows;
    s.rb = bias == nullptr ? nullptr : s.wb + rows;
    s.peepholes = peepholes == nullptr ? nullptr : peepholes + d * 3 * e.hidden;
    s.inputs = e.inputs;
    s.hidden = e.hidden;
    s.functions = functions_.data() + d * functions_.size() / e.directions;
    s.attrs = &attrs_;
    s.h = at;
    s.c = at + e.hidden;
    s.reset = at + 2 * e.hidden;
    s.gates = at + 3 * e.hidden;
    return s;
  }

  // Where a state of direction d and sequence b begins.
  size_t state_at(const Extents& e, size_t d, size_t b) const {
    return (attrs_.layout == 0 ? d * e.batch + b : b * e.directions + d) * e.hidden;
  }

  template <typename T>
  void run_sequence(const RunContext& context, const Extents& e, size_t d, size_t b, size_t length,
                    const Sequence<T>& s) const {
    start(input<T>(context, kInitialH), state_at(e, d, b), s.h, e.hidden);
    start(cell_ == Cell::lstm ? input<T>(context, kInitialC) : nullptr, state_at(e, d, b), s.c,
          e.hidden);
    const bool reverse = d == 1 || attrs_.direction == "reverse";
    T* y = context.has_output(0) ? context.output(0).as<T>() : nullptr;
    for (size_t step = 0; step < e.steps; ++step) {
      const bool inside = step < length;
      const size_t t = inside && reverse ? length - 1 - step : step;
      const bool time_first = attrs_.layout == 0;
      const T* x =
          input<T>(context, kX) + (time_first ? t * e.batch + b : b * e.steps + t) * e.inputs;
      if (inside) run_cell(s, x);
      if (y == nullptr) continue;
      T* to = y + (time_first ? (t * e.directions + d) * e.batch + b
                              : (b * e.steps + t) * e.directions + d) *
                      e.hidden;
      inside ? std::copy_n(s.h, e.hidden, to) : std::fill_n(to, e.hidden, T{0});
    }
    if (context.has_output(1))
      std::copy_n(s.h, e.hidden, context.output(1).as<T>() + state_at(e, d, b));
    if (cell_ == Cell::lstm && context.has_output(2))
      std::copy_n(s.c, e.hidden, context.output(2).as<T>() + state_at(e, d, b));
  }

  template <typename T>
  static void start(const T* from, size_t at, T* state, size_t count) {
    if (from == nullptr)
      std::fill_n(state, count, T{0});
    else
      std::copy_n(from + at, count, state);
  }

  template <typename T>
  void run_cell(const Sequence<T>& s, const T* x) const {
    if (cell_ == Cell::lstm) return lstm_cell(s, x);
    if (cell_ == Cell::gru) return gru_cell(s, x);
    rnn_cell(s, x);
  }

  RecurrentAttrs attrs_;
  Cell cell_;
  std::vector<Function> functions_;
};

}  // namespace

Result<std::unique_ptr<Step>> prepare_reference(const LowerContext& context) {
  OCTET_ASSIGN(auto functions, functions_of(attrs_of(context.node()), cell_of(context.node())));
  return std::unique_ptr<Step>(
      std::make_unique<ReferenceStep>(context.node(), std::move(functions)));
}

}  // namespace octet::ops::recurrent
