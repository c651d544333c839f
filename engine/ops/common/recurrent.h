#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/ops/op.h"

namespace octet::ops {

/// What ONNX's LSTM, GRU and RNN have in common; each operator's own struct names its fields.
struct RecurrentAttrs {
  int64_t hidden_size = 0;  ///< 0: R tells.
  std::string direction = "forward";
  std::vector<std::string> activations;  ///< Empty: the operator's defaults.
  std::vector<float> activation_alpha;
  std::vector<float> activation_beta;
  std::optional<float> clip;
  int64_t input_forget = 0;         ///< LSTM.
  int64_t linear_before_reset = 0;  ///< GRU.
  int64_t layout = 0;
  bool dynamic_x = false;  ///< Set by fusion alone: X is quantized as DynamicQuantizeLinear does.
  /// Of the hidden state's codes that int8 weights multiply: 16, or 8 by a hint of the model
  /// (importers/onnx/hints.h).
  int64_t state_bits = 16;
};

struct LstmAttrs : RecurrentAttrs {
  static constexpr auto fields() {
    return std::tuple{field("hidden_size", &LstmAttrs::hidden_size),
                      field("direction", &LstmAttrs::direction),
                      field("activations", &LstmAttrs::activations),
                      field("activation_alpha", &LstmAttrs::activation_alpha),
                      field("activation_beta", &LstmAttrs::activation_beta),
                      field("clip", &LstmAttrs::clip),
                      field("input_forget", &LstmAttrs::input_forget),
                      field("layout", &LstmAttrs::layout, {.since = 14})};
  }
};

struct GruAttrs : RecurrentAttrs {
  static constexpr auto fields() {
    return std::tuple{field("hidden_size", &GruAttrs::hidden_size),
                      field("direction", &GruAttrs::direction),
                      field("activations", &GruAttrs::activations),
                      field("activation_alpha", &GruAttrs::activation_alpha),
                      field("activation_beta", &GruAttrs::activation_beta),
                      field("clip", &GruAttrs::clip),
                      field("linear_before_reset", &GruAttrs::linear_before_reset),
                      field("layout", &GruAttrs::layout, {.since = 14})};
  }
};

struct RnnAttrs : RecurrentAttrs {
  static constexpr auto fields() {
    return std::tuple{field("hidden_size", &RnnAttrs::hidden_size),
                      field("direction", &RnnAttrs::direction),
                      field("activations", &RnnAttrs::activations),
                      field("activation_alpha", &RnnAttrs::activation_alpha),
                      field("activation_beta", &RnnAttrs::activation_beta),
                      field("clip", &RnnAttrs::clip),
                      field("layout", &RnnAttrs::layout, {.since = 14})};
  }
};

namespace recurrent {

/// The operators, by their count of gates.
enum class Cell : uint8_t { rnn = 1, gru = 3, lstm = 4 };

/// Inputs: X, W, R, B, sequence_lens, initial_h and, of an LSTM, initial_c and P.
enum Port : size_t { kX, kW, kR, kB, kLengths, kInitialH, kInitialC, kPeepholes };

/// Requires a node of one of the three operators.
Cell cell_of(const Node& node);
const RecurrentAttrs& attrs_of(const Node& node);
/// The node's attributes with dynamic_x set. Requires that `match_s8` takes the node: other rows
/// don't round X.
Attrs with_dynamic_x(const Node& node);
/// Whether the node is an LSTM or a GRU.
bool is_recurrent(const Node& node);
/// The node's attributes with these state_bits, 8 or 16. Requires is_recurrent.
Attrs with_state_bits(const Node& node, int64_t bits);
inline size_t gates_of(Cell cell) { return static_cast<size_t>(cell); }
inline bool is_bidirectional(const RecurrentAttrs& attrs) {
  return attrs.direction == "bidirectional";
}

/// Extents of a node's tensors, all known.
struct Extents {
  size_t steps = 0, batch = 0, inputs = 0, hidden = 0, directions = 1;
};
Extents extents_of(const RecurrentAttrs& attrs, const Dims& x, const Dims& r);

/// Fails when a length lies outside [0, steps]. Null when all sequences are full.
Result<const int32_t*> lengths_of(const RunContext& context, const Extents& extents);

Status infer(InferContext& context);
QuantSpec quant(const Graph& graph, const Node& node);
std::optional<Dim> macs(const Graph& graph, const Node& node);

// Rows. LSTM and GRU with constant weights and the functions that the cells' kernels have: "rnn_s8"
// where W and R are int8 codes, "rnn_f32". Everything else: "reference", by plain loops.
std::optional<Ports> match_s8(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_s8(const LowerContext& context);
std::optional<Ports> match_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_f32(const LowerContext& context);
Result<std::unique_ptr<Step>> prepare_reference(const LowerContext& context);

}  // namespace recurrent
}  // namespace octet::ops
