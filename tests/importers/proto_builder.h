#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "importers/onnx/import.h"
#include "octet_onnx.pb.h"
#include "tests/support/folder.h"

namespace octet::testing {

using octet_onnx::AttributeProto;
using octet_onnx::FunctionProto;
using octet_onnx::GraphProto;
using octet_onnx::ModelProto;
using octet_onnx::NodeProto;
using octet_onnx::TensorProto;
using octet_onnx::ValueInfoProto;
using Names = std::vector<std::string>;

inline NodeProto& add_node(google::protobuf::RepeatedPtrField<NodeProto>& nodes,
                           const std::string& op, const Names& inputs, const Names& outputs) {
  NodeProto& node = *nodes.Add();
  node.set_op_type(op);
  node.set_name(op + "_" + std::to_string(nodes.size()));
  for (const auto& name : inputs) node.add_input(name);
  for (const auto& name : outputs) node.add_output(name);
  return node;
}
inline NodeProto& add_node(GraphProto& graph, const std::string& op, const Names& inputs,
                           const Names& outputs) {
  return add_node(*graph.mutable_node(), op, inputs, outputs);
}

/// Dims: numbers, or names of symbols; "?" is an unnamed unknown extent.
inline void set_info(ValueInfoProto& info, const std::string& name, const Names& dims,
                     TensorProto::DataType type = TensorProto::FLOAT) {
  info.set_name(name);
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  auto& shape = *tensor.mutable_shape();
  for (const auto& dim : dims) {
    auto& to = *shape.add_dim();
    if (std::isdigit(static_cast<unsigned char>(dim[0])) != 0)
      to.set_dim_value(std::stoll(dim));
    else if (dim != "?")
      to.set_dim_param(dim);
  }
}

inline TensorProto floats(const std::string& name, const std::vector<int64_t>& dims,
                          const std::vector<float>& values) {
  TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::FLOAT);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return tensor;
}

inline TensorProto int64_tensor(const std::string& name, const std::vector<int64_t>& dims,
                                const std::vector<int64_t>& values) {
  TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::INT64);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  for (const int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

/// Moves the tensor's elements from the model to where `location` has them from `offset` on.
inline void make_external(TensorProto& tensor, const std::string& location, int64_t offset) {
  tensor.clear_raw_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>{"location", location},
        std::pair<std::string, std::string>{"offset", std::to_string(offset)}}) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
}

inline AttributeProto& add_attribute(NodeProto& node, const std::string& name,
                                     AttributeProto::AttributeType type) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(type);
  return attribute;
}

/// IR 10, opset 21, input "x" [n, 4] of floats, output "y" of the same type; no nodes.
inline ModelProto empty_model() {
  ModelProto model;
  model.set_ir_version(10);
  model.add_opset_import()->set_version(21);
  GraphProto& graph = *model.mutable_graph();
  graph.set_name("main");
  set_info(*graph.add_input(), "x", {"n", "4"});
  set_info(*graph.add_output(), "y", {"n", "4"});
  return model;
}

/// empty_model with y = Relu(x).
inline ModelProto relu_model() {
  ModelProto model = empty_model();
  add_node(*model.mutable_graph(), "Relu", {"x"}, {"y"});
  return model;
}

inline Result<Model> import_proto(const ModelProto& proto, const ImportLimits& limits = {}) {
  const std::string bytes = proto.SerializeAsString();
  return import_model(std::as_bytes(std::span(bytes)), "", limits);
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace octet::testing
