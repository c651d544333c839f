#pragma once

#include <octet_onnx.pb.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "octet/octet.hpp"

// A model of float x of these extents (-1: free) to y, whose nodes the case adds.
struct TestModel {
  explicit TestModel(const std::vector<int64_t>& extents, const char* domain = "ai.onnx.ml",
                     int version = 1) {
    proto.set_ir_version(10);
    auto& onnx = *proto.add_opset_import();
    onnx.set_domain("");
    onnx.set_version(21);
    auto& custom = *proto.add_opset_import();
    custom.set_domain(domain);
    custom.set_version(version);
    auto& x = *proto.mutable_graph()->add_input();
    x.set_name("x");
    auto& type = *x.mutable_type()->mutable_tensor_type();
    type.set_elem_type(octet_onnx::TensorProto::FLOAT);
    for (const int64_t extent : extents) {
      auto& dim = *type.mutable_shape()->add_dim();
      if (extent >= 0)
        dim.set_dim_value(extent);
      else
        dim.set_dim_param("n");
    }
    auto& y = *proto.mutable_graph()->add_output();
    y.set_name("y");
    y.mutable_type()->mutable_tensor_type()->set_elem_type(octet_onnx::TensorProto::FLOAT);
  }
  octet_onnx::NodeProto& node(const char* domain, const char* type,
                              const std::vector<const char*>& inputs, const char* output) {
    octet_onnx::NodeProto& made = *proto.mutable_graph()->add_node();
    made.set_domain(domain);
    made.set_op_type(type);
    made.set_name(std::string("the_") + type);
    for (const char* input : inputs) made.add_input(input);
    made.add_output(output);
    return made;
  }
  void constant(const char* name, const std::vector<float>& values) {
    constant(name, {static_cast<int64_t>(values.size())}, values);
  }
  void constant(const char* name, const std::vector<int64_t>& dims,
                const std::vector<float>& values) {
    octet_onnx::TensorProto& tensor = *proto.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(octet_onnx::TensorProto::FLOAT);
    for (const int64_t extent : dims) tensor.add_dims(extent);
    for (const float value : values) tensor.add_float_data(value);
  }
  octet::Expected<octet::Session> load(const octet::Options& options = {}) const {
    const std::string bytes = proto.SerializeAsString();
    return octet::Session::load(std::as_bytes(std::span(bytes)), {}, options);
  }

  octet_onnx::ModelProto proto;
};

inline std::vector<float> floats(const octet::Results& results) {
  const auto values = results.values<float>(0);
  return {values.begin(), values.end()};
}
