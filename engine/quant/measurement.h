#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/ir/graph.h"

namespace octet::quant {

/// Whether a candidate keeps to the caller's bound, and the figure that says so.
struct Verdict {
  bool good = false;
  std::string
      figure;  ///< With its unit, for the report: "31.2 dB", "0.25 below the float model's".
};

/// How long a run of a graph takes, and each of its steps.
struct Profile {
  struct Step {
    std::string name;  ///< The node's, or "convert:" and the name of the value converted.
    double us = 0;
  };
  double us = 0;
  std::vector<Step> steps;
};

/// What only a caller with a runtime can measure of the graphs that the quantizer considers. These
/// are finished: standard operators, ready to be compiled or written. Empty functions: not asked
/// for.
struct Measurements {
  /// Dims of the inputs of one sample by name: what multiply-accumulates are counted for.
  std::map<std::string, Dims> input_dims{};
  /// SQNR in dB against the float model at the output where it is least, over a few samples.
  std::function<Result<double>(const Graph&)> sqnr{};
  /// The caller's bound on loss. A judge needs `sqnr`.
  std::function<Result<Verdict>(const Graph&)> judge{};
  /// Times of two graphs, measured by turns, so that what else the machine does hits both.
  std::function<Result<std::vector<Profile>>(const Graph&, const Graph&)> profile{};
};

}  // namespace octet::quant
