#pragma once

#include <cstdint>
#include <vector>

#include "octet_onnx.pb.h"
#include "tests/conformance/random.h"

namespace octet::fuzz {

/// Mostly a small one, else one where ranges end.
int64_t edge_integer(conformance::Random& random);
float edge_float(conformance::Random& random);

template <typename T>
T& any(conformance::Random& random, std::vector<T>& list) {
  return list[static_cast<size_t>(random.integer(0, static_cast<int64_t>(list.size()) - 1))];
}

/// The messages of a model that changes begin at.
struct Parts {
  Parts() = default;
  explicit Parts(octet_onnx::ModelProto& model) { visit(model); }
  std::vector<google::protobuf::Message*> all;
  std::vector<octet_onnx::GraphProto*> graphs;
  std::vector<octet_onnx::NodeProto*> nodes;
  std::vector<octet_onnx::TensorProto*> tensors;
  std::vector<octet_onnx::AttributeProto*> attributes;

 private:
  void visit(google::protobuf::Message& message);
};

}  // namespace octet::fuzz
