#pragma once

#include <string>
#include <vector>

#include "engine/ir/graph.h"

namespace octet::runtime {

/// Inputs of a float model to calibrate on; they may differ in shape. Each is read when it is asked
/// for, and may be asked for several times.
class Samples {
 public:
  virtual ~Samples() = default;
  virtual size_t size() const = 0;
  /// Tensors in the order of sample_inputs().
  virtual Result<std::vector<Tensor>> read(size_t i) const = 0;
  /// Sample i, for messages.
  virtual std::string name(size_t i) const = 0;
};

/// The names of the inputs that a sample gives: those without a default, in the graph's order.
std::vector<std::string> sample_inputs(const Graph& graph);

}  // namespace octet::runtime
