#pragma once

#include "tests/importers/proto_builder.h"

namespace octet::testing {

/// y = MatMul(Relu(MatMul(x, w)), w) of x [n, 4]: loads, runs and quantizes fast.
inline ModelProto small_network() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  std::vector<float> weights(16);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(i % 5) - 2.0F;
  *graph.add_initializer() = floats("w", {4, 4}, weights);
  add_node(graph, "MatMul", {"x", "w"}, {"a"});
  add_node(graph, "Relu", {"a"}, {"b"});
  add_node(graph, "MatMul", {"b", "w"}, {"y"});
  return model;
}

}  // namespace octet::testing
