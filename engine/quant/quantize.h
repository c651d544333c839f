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
  int64_t block_size = 64;           ///< Of int4: weights that share a scale; 16 to 128.
  std::vector<std::string> exclude;  ///< Names of nodes that stay in float.
  /// Names of algorithms (algorithms.def) that static quantization runs; unset: the default ones.
  std::optional<std::vector<std::string>> algorithms = std::nullopt;
};

/// What became of a node, and why.
struct NodeReport {
  std::string node;
  std::string op;
  std::string outcome;  ///< "int8", "int4", "fp16", "float".
  std::string reason;
};

struct Report {
  std::vector<NodeReport> nodes;
  size_t samples = 0;
  std::map<std::string, size_t> algorithms =
      {};  ///< How many places of the graph each one changed.
};

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
  const Observations* observations = nullptr;  ///< Taken instead of running where they are given.
  /// Ranges of a tool (the text that read_layers takes), which go before what was observed.
  std::string_view layers{};
  Parallel* parallel = nullptr;  ///< For the algorithms; null: on the caller's thread.
};

/// The statistics that `quantize` with these options needs, observed and nothing else done. Fails
/// when a sample does, or when a value is infinite or not a number.
Result<Observations> observe(const Graph& graph, const QuantizeOptions& options,
                             const Calibrate& calibrate);

/// Quantizes a canonical graph (after the portable passes) in place. Calibration may be empty but
/// in static mode, where then a graph that comes with codes keeps them (prequantized.h). Fails, and
/// leaves the graph unusable, when calibration does, or when observations are of another model.
Result<Report> quantize(Graph& graph, const QuantizeOptions& options,
                        const Calibration& calibration);

}  // namespace octet::quant
