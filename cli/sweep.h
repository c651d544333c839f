#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ir/result.h"
#include "engine/ir/tensor.h"
#include "octet/octet.hpp"

namespace octet::cli {

/// One point of a benchmark: extents of inputs, and threads where they are swept.
struct BenchPoint {
  std::string sweep;                   ///< What is swept: "batch"; empty for a point alone.
  int64_t value = 0;                   ///< Of what is swept.
  std::map<std::string, Dims> shapes;  ///< Of inputs that --shape names.
  std::vector<std::string> axes;  ///< Those that take `value`: "x.1", or a symbol of the model.
  std::optional<size_t> threads;

  /// "batch=4"; empty for a point alone.
  std::string label() const { return sweep.empty() ? "" : sweep + "=" + std::to_string(value); }
};

/// The points of --shape NAME=1x803x80 and --sweep WHAT=V,V,…: WHAT is "threads", an axis of an
/// input ("x.1"), a symbol of the model ("batch"), or several with + between that change together.
/// Without a sweep, one point.
Result<std::vector<BenchPoint>> bench_points(const std::vector<std::string>& shapes,
                                             const std::vector<std::string>& sweeps);

/// The extents of a model's inputs at a point, by the inputs' names. Extents that nobody gives are
/// 1. Fails where the model has no such input, axis or symbol, or fixes the extent.
Result<std::map<std::string, Dims>> input_dims(const std::vector<Port>& ports,
                                               const BenchPoint& point);

}  // namespace octet::cli
