#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ops/step.h"
#include "engine/quant/calibrators.h"
#include "engine/quant/measurement.h"
#include "engine/quant/observations.h"

namespace octet::quant {

enum class Mode : uint8_t {
  dynamic,
  statically,
  fp16,  ///< Weights only, stored as binary16; arithmetic in float.
  int4,  ///< Weights only, stored as 4-bit blocks; arithmetic in float.
};
enum class Format : uint8_t { qdq, integer };

struct QuantizeOptions {
  Mode mode = Mode::statically;
  Format format = Format::qdq;
  CalibratorOptions calibrator{};
  DType activations = DType::u8;     ///< Codes of activations: u8, s8, u16 or s16.
  bool row_scales = true;            ///< Of dynamic: a scale a row for products with weights.
  int64_t state_bits = 16;           ///< Of hidden states of int8 LSTM and GRU: 8 or 16.
  int64_t block_size = 64;           ///< Of int4: weights that share a scale; 16 to 128.
  std::vector<std::string> exclude;  ///< Names of nodes that stay in float.
  /// Names of algorithms (algorithms.def) that static quantization runs; unset: the default ones.
  std::optional<std::vector<std::string>> algorithms = std::nullopt;
  /// Whether nodes that measure slower in integers stay in float (static quantization).
  bool leave_slower = true;
};

/// Microseconds, in the float model and in the quantized one.
struct NodeTime {
  double real = 0;
  double codes = 0;
};

/// What became of a node, and why.
struct NodeReport {
  NodeId id = kNoNode;  ///< In the quantizer's own float graph.
  std::string node;
  std::string op;
  /// "int8"; "int16", "int4" or "fp16" for what is only stored so and computed in float; "float".
  std::string outcome;
  std::string reason;
  int64_t macs = 0;  ///< Multiply-accumulates over the first sample; 0 where that isn't known.
  /// Of the search: SQNR in dB at the worst output with this node alone quantized.
  std::optional<double> sqnr = std::nullopt;
  /// With the conversions around the node; of nodes that are a step of their own in both models.
  std::optional<NodeTime> time = std::nullopt;
};

/// How a value was observed and what its codes hold.
struct ValueReport {
  std::string value;
  Range seen;    ///< The extremes.
  Range chosen;  ///< What the lowest and the highest code stand for.
  DType storage = DType::u8;
  Scale scale{1.0F};
  ZeroPoint zero_point{0};
  uint64_t zeros = 0;            ///< Elements that are 0; not in `counts`.
  std::vector<uint64_t> counts;  ///< Of the other elements in bins of equal width over `seen`.
};

struct Report {
  std::vector<NodeReport> nodes;
  size_t samples = 0;
  std::map<std::string, size_t> algorithms =
      {};  ///< How many places of the graph each one changed.
  std::map<std::string, std::string> left_out = {};  ///< Algorithms that can't run, and why.
  std::vector<ValueReport> values = {};              ///< Of static quantization; by name.
  /// Of the search: what the chosen form keeps, and how many forms were judged.
  std::string loss = {};
  size_t trials = 0;
  std::optional<NodeTime> time = std::nullopt;  ///< Of a run.
};

/// Nodes that stay in float, and why.
using Floats = std::map<NodeId, std::string>;

/// Sees the values of one run by name; the view is valid in the call. An error (a value that isn't
/// finite) ends the calibration at the latest when all samples have run.
using ValueSink = std::function<Status(std::string_view name, const TensorView& view)>;

/// Runs the float graph over the calibration samples, one after the other, and shows `sink` every
/// value it makes. Given by the caller, so that the quantizer knows no runtime. Returns the number
/// of samples.
using Calibrate = std::function<Result<size_t>(const Graph& graph, const ValueSink& sink)>;

/// What static quantization knows of activations: samples to run, or observations of such runs.
struct Calibration {
  Calibrate run;                               ///< Empty where there are only observations.
  const Observations* observations = nullptr;  ///< Taken instead of observing, where given.
  /// Ranges of a tool (the text that read_layers takes), which go before what was observed.
  std::string_view layers{};
  Parallel* parallel = nullptr;  ///< For the algorithms; null: on the caller's thread.
};

/// The statistics that `quantize` with these options needs, and those of channels for algorithms if
/// the options ask for any, observed and nothing else done. Fails when a sample does, or when a
/// value is infinite or not a number.
Result<Observations> observe(const Graph& graph, const QuantizeOptions& options,
                             const Calibrate& calibrate);

/// Quantizes a canonical graph (after the portable passes) in place. Calibration may be empty but
/// in static mode, where then a graph that comes with codes keeps them (prequantized.h).
/// Measurements decide which nodes stay in float for their time or their loss (static
/// and dynamic mode); without any, none does. Fails, and leaves the graph unusable, when
/// calibration or a measurement does, or when observations are of another model.
Result<Report> quantize(Graph& graph, const QuantizeOptions& options,
                        const Calibration& calibration, const Measurements& measurements = {});

}  // namespace octet::quant
