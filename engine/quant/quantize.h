#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ops/step.h"

namespace octet::quant {

enum class Mode : uint8_t { dynamic, statically };
enum class Format : uint8_t { qdq, integer };
enum class Calibrator : uint8_t { minmax, percentile };

struct QuantizeOptions {
  Mode mode = Mode::statically;
  Format format = Format::qdq;
  Calibrator calibrator = Calibrator::minmax;
  double percentile = 99.99;         ///< Of |x| - or of each side - that a range must hold.
  std::vector<std::string> exclude;  ///< Names of nodes that stay in float.
};

/// What became of a node, and why.
struct NodeReport {
  std::string node;
  std::string op;
  std::string outcome;  ///< "int8", "float".
  std::string reason;
};

struct Report {
  std::vector<NodeReport> nodes;
  size_t samples = 0;
};

/// Sees the values of one run by name; the view is valid in the call.
using ValueSink = std::function<void(std::string_view name, const TensorView& view)>;

/// Runs the float graph over the calibration samples, one after the other, and shows `sink` every
/// value it makes. Given by the caller, so that the quantizer knows no runtime. Returns the number
/// of samples.
using Calibrate = std::function<Result<size_t>(const Graph& graph, const ValueSink& sink)>;

/// Quantizes a canonical graph (after the portable passes) in place. `calibrate` may be empty in
/// dynamic mode. Fails, and leaves the graph unusable, when calibration does.
Result<Report> quantize(Graph& graph, const QuantizeOptions& options, const Calibrate& calibrate);

}  // namespace octet::quant
