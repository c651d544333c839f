#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/sweep.h"

namespace octet::cli {

/// What is measured of each model.
struct BenchSettings {
  std::vector<BenchPoint> points;
  std::string inputs;    ///< An .npz instead of made-up inputs; empty: none.
  double seconds = 1.0;  ///< Of each point.
};

/// Time of a kernel of an operator in one run.
struct StepTime {
  std::string op;
  std::string kernel;
  double ms = 0;
};

/// A point of a model as `octet bench --json` writes it: latency and its percentiles, load time,
/// the largest resident set while it was measured, the model's bytes, multiply-accumulates, and
/// joules a run, the machine's average watts over the time measured times the mean latency (null
/// where no meter can be read). `steps`, where given, gets one run's times by operator and kernel,
/// the longest first.
Result<nlohmann::json> bench_point(const std::string& model, const BenchPoint& point,
                                   const BenchSettings& settings, const Global& global,
                                   std::vector<StepTime>* steps = nullptr);

}  // namespace octet::cli
