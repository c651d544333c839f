#pragma once

#include <cmath>
#include <limits>
#include <variant>

#include "tests/importers/proto_builder.h"
#include "tests/importers/run_model.h"

// Models of one node of ai.onnx.ml.

namespace octet::testing {

using Ints = std::vector<int64_t>;
using Floats = std::vector<float>;
using Words = std::vector<std::string>;
using Attribute = std::variant<int64_t, float, std::string, Ints, Floats, Words, TensorProto>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <typename T>
Tensor table(int64_t rows, const std::vector<T>& values) {
  return Tensor::of(Dims{rows, static_cast<int64_t>(values.size()) / rows}, values);
}
template <typename T>
Tensor list(const std::vector<T>& values) {
  return Tensor::of(Dims{static_cast<int64_t>(values.size())}, values);
}
inline Tensor words(const Words& values) {
  return Tensor::strings({static_cast<int64_t>(values.size())}, values);
}

inline void set(NodeProto& node, const std::string& name, const Attribute& value) {
  AttributeProto& to = add_attribute(node, name, AttributeProto::INT);
  const auto as = [&](AttributeProto::AttributeType type) { to.set_type(type); };
  if (const auto* i = std::get_if<int64_t>(&value)) to.set_i(*i);
  if (const auto* f = std::get_if<float>(&value)) as(AttributeProto::FLOAT), to.set_f(*f);
  if (const auto* s = std::get_if<std::string>(&value)) as(AttributeProto::STRING), to.set_s(*s);
  if (const auto* ints = std::get_if<Ints>(&value)) {
    as(AttributeProto::INTS);
    to.mutable_ints()->Add(ints->begin(), ints->end());
  }
  if (const auto* floats = std::get_if<Floats>(&value)) {
    as(AttributeProto::FLOATS);
    to.mutable_floats()->Add(floats->begin(), floats->end());
  }
  if (const auto* strings = std::get_if<Words>(&value)) {
    as(AttributeProto::STRINGS);
    to.mutable_strings()->Add(strings->begin(), strings->end());
  }
  if (const auto* tensor = std::get_if<TensorProto>(&value))
    as(AttributeProto::TENSOR), *to.mutable_t() = *tensor;
}

inline TensorProto::DataType proto_type(DType dtype) {
  switch (dtype) {
    case DType::f32: return TensorProto::FLOAT;
    case DType::f64: return TensorProto::DOUBLE;
    case DType::s32: return TensorProto::INT32;
    case DType::s64: return TensorProto::INT64;
    default: return TensorProto::STRING;
  }
}

inline Result<Model> import_node(const std::string& op, const Attributes& attributes,
                                 const std::vector<Tensor>& inputs, size_t outputs) {
  ModelProto model = empty_model();
  auto& ml = *model.add_opset_import();
  ml.set_domain("ai.onnx.ml");
  ml.set_version(5);
  GraphProto& graph = *model.mutable_graph();
  graph.clear_input();
  graph.clear_output();
  NodeProto& node = add_node(graph, op, {}, {});
  node.set_domain("ai.onnx.ml");
  for (const auto& [name, value] : attributes) set(node, name, value);
  for (const Tensor& input : inputs) {
    const std::string name = "x" + std::to_string(node.input_size());
    node.add_input(name);
    Names dims;
    for (const int64_t dim : input.dims()) dims.push_back(std::to_string(dim));
    set_info(*graph.add_input(), name, dims, proto_type(input.dtype()));
  }
  for (size_t i = 0; i < outputs; ++i) {
    node.add_output("y" + std::to_string(i));
    graph.add_output()->set_name("y" + std::to_string(i));
  }
  return import_proto(model);
}

inline std::vector<Tensor> run_node(const std::string& op, const Attributes& attributes,
                                    const std::vector<Tensor>& inputs, size_t outputs) {
  const auto model = import_node(op, attributes, inputs, outputs);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  return run_model(*model, inputs);
}

inline void check_equal(const Tensor& got, const Tensor& want) {
  REQUIRE(got.dtype() == want.dtype());
  REQUIRE(got.dims() == want.dims());
  if (want.dtype() != DType::f32) {
    CHECK(got == want);
    return;
  }
  for (size_t i = 0; i < want.count(); ++i) {
    INFO("element " << i);
    CHECK(got.as<float>()[i] == doctest::Approx(want.as<float>()[i]).epsilon(1e-6));
  }
}

inline Attributes with(Attributes attributes, const Attributes& more) {
  attributes.insert(attributes.end(), more.begin(), more.end());
  return attributes;
}
// Softmax over rows of three.
inline Tensor softmax(const Floats& scores) {
  Floats y;
  for (size_t i = 0; i < scores.size(); ++i) {
    const float* row = &scores[i / 3 * 3];
    y.push_back(std::exp(scores[i]) / (std::exp(row[0]) + std::exp(row[1]) + std::exp(row[2])));
  }
  return table(static_cast<int64_t>(scores.size() / 3), y);
}
}  // namespace octet::testing
