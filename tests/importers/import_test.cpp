#include <doctest/doctest.h>

#include <functional>

#include "tests/importers/proto_builder.h"

namespace octet::testing {
namespace {

TEST_CASE("a plain model becomes a typed graph") {
  ModelProto proto = relu_model();
  proto.set_producer_name("maker");
  auto* entry = proto.add_metadata_props();
  entry->set_key("k");
  entry->set_value("v");
  const auto model = import_proto(proto);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const Graph& graph = *model->graph;
  REQUIRE(graph.inputs.size() == 1);
  REQUIRE(graph.node_count() == 1);
  CHECK(graph.value(graph.outputs()[0]).type.to_string() == "float[n,4]");
  CHECK(graph.node(graph.order()[0]).label() == "Relu 'Relu_1'");
  CHECK(model->metadata.at("k") == "v");
  CHECK(model->opsets.at("") == 21);
  CHECK(model->producer == "maker");
}

TEST_CASE("nodes are sorted") {
  ModelProto proto = empty_model();
  add_node(*proto.mutable_graph(), "Relu", {"b"}, {"y"});
  add_node(*proto.mutable_graph(), "Relu", {"a"}, {"b"});
  add_node(*proto.mutable_graph(), "Relu", {"x"}, {"a"});
  const auto model = import_proto(proto);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const Graph& graph = *model->graph;
  CHECK(graph.value(graph.node(graph.order()[0]).outputs[0]).name == "a");
}

TEST_CASE("initializers and Constant nodes are constants, listed as inputs or not") {
  ModelProto proto = empty_model();
  GraphProto& graph_proto = *proto.mutable_graph();
  *graph_proto.add_initializer() = floats("w", {2, 2}, {1, -2, 3, -4});
  set_info(*graph_proto.add_input(), "w", {"2", "2"});
  add_node(graph_proto, "Relu", {"w"}, {"y"});
  graph_proto.mutable_output()->Clear();
  set_info(*graph_proto.add_output(), "y", {"2", "2"});
  NodeProto& constant = add_node(graph_proto, "Constant", {}, {"c"});
  add_attribute(constant, "value_floats", AttributeProto::FLOATS).add_floats(5.0F);
  set_info(*graph_proto.add_output(), "c", {"1"});
  const auto model = import_proto(proto);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const Graph& graph = *model->graph;
  CHECK(graph.inputs.size() == 1);
  CHECK(graph.node_count() == 1);
  CHECK(graph.constant(graph.node(graph.order()[0]).inputs[0])->as<float>()[3] == -4.0F);
  CHECK(graph.constant(graph.outputs()[1])->as<float>()[0] == 5.0F);
}

struct Refusal {
  std::string name;
  std::function<void(ModelProto&)> spoil;
  ErrorCode code;
  std::string says;
};

TEST_CASE("what isn't understood is refused, by name") {
  const std::vector<Refusal> cases = {
      {"unknown operator",
       [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->set_op_type("Frob"); },
       ErrorCode::unsupported, "Frob 'Relu_1': the operator is not supported"},
      {"contributed domain",
       [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->set_domain("com.microsoft"); },
       ErrorCode::unsupported, "com.microsoft.Relu 'Relu_1'"},
      {"octet's own domain",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_node(0)->set_domain("octet");
         m.mutable_graph()->mutable_node(0)->set_op_type("Quantize");
       },
       ErrorCode::unsupported, "octet.Quantize 'Relu_1'"},
      {"old opset", [](ModelProto& m) { m.mutable_opset_import(0)->set_version(5); },
       ErrorCode::unsupported, "opset 5"},
      {"new opset", [](ModelProto& m) { m.mutable_opset_import(0)->set_version(29); },
       ErrorCode::unsupported, "opset 29"},
      {"no opset", [](ModelProto& m) { m.clear_opset_import(); }, ErrorCode::invalid_model,
       "Relu 'Relu_1': domain '' is not among"},
      {"new IR", [](ModelProto& m) { m.set_ir_version(15); }, ErrorCode::unsupported,
       "IR version 15"},
      {"no graph", [](ModelProto& m) { m.clear_graph(); }, ErrorCode::invalid_model, "no graph"},
      {"unknown attribute",
       [](ModelProto& m) {
         add_attribute(*m.mutable_graph()->mutable_node(0), "slope", AttributeProto::FLOAT)
             .set_f(1);
       },
       ErrorCode::unsupported, "Relu 'Relu_1': attribute 'slope'"},
      {"arity", [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->add_input("x"); },
       ErrorCode::invalid_model, "Relu 'Relu_1': it has 2 inputs"},
      {"absent input", [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, ""); },
       ErrorCode::invalid_model, "Relu 'Relu_1': its input 0 is missing"},
      {"undefined value",
       [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->set_input(0, "z"); },
       ErrorCode::invalid_model, "Relu 'Relu_1': value 'z' is not defined"},
      {"undefined output",
       [](ModelProto& m) { m.mutable_graph()->mutable_output(0)->set_name("z"); },
       ErrorCode::invalid_model, "value 'z' is not defined"},
      {"two definitions", [](ModelProto& m) { add_node(*m.mutable_graph(), "Relu", {"x"}, {"y"}); },
       ErrorCode::invalid_model, "Relu 'Relu_2': value 'y' is defined twice"},
      {"a node redefines an input",
       [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->set_output(0, "x"); },
       ErrorCode::invalid_model, "value 'x' is defined twice"},
      {"cycle",
       [](ModelProto& m) {
         add_node(*m.mutable_graph(), "Relu", {"b"}, {"a"});
         add_node(*m.mutable_graph(), "Relu", {"a"}, {"b"});
       },
       ErrorCode::invalid_model, "cycle"},
      {"lying output type",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
             TensorProto::INT32);
       },
       ErrorCode::invalid_model, "value 'y' is declared as int32[n,4]"},
      {"lying output rank",
       [](ModelProto& m) { set_info(*m.mutable_graph()->mutable_output(0), "y", {"7"}); },
       ErrorCode::invalid_model, "value 'y' is declared as"},
      {"lying extent",
       [](ModelProto& m) {
         set_info(*m.mutable_graph()->add_value_info(), "y", {"n", "5"});
       },
       ErrorCode::invalid_model, "value 'y' is declared as"},
      {"untyped input", [](ModelProto& m) { m.mutable_graph()->mutable_input(0)->clear_type(); },
       ErrorCode::invalid_model, "input 'x' has no type"},
      {"map where a tensor belongs",
       [](ModelProto& m) {
         auto& map = *m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_map_type();
         map.set_key_type(7);
         map.mutable_value_type()->mutable_tensor_type()->set_elem_type(1);
       },
       ErrorCode::invalid_model, "Relu 'Relu_1': its input 0 is map"},
      {"map without values",
       [](ModelProto& m) {
         m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_map_type()->set_key_type(7);
       },
       ErrorCode::invalid_model, "an element type is missing"},
      {"6-bit float",
       [](ModelProto& m) {
         set_info(*m.mutable_graph()->mutable_input(0), "x", {"n"}, TensorProto::FLOAT6E2M3);
       },
       ErrorCode::unsupported, "FLOAT6E2M3"},
      {"initializer's size",
       [](ModelProto& m) {
         *m.mutable_graph()->add_initializer() = floats("w", {3}, {1, 2});
       },
       ErrorCode::invalid_model, "tensor 'w': has 8 bytes"},
      {"negative dim",
       [](ModelProto& m) {
         *m.mutable_graph()->add_initializer() = floats("w", {-2}, {1, 2});
       },
       ErrorCode::invalid_model, "tensor 'w': dims"},
      {"wrapping dims",
       [](ModelProto& m) {
         *m.mutable_graph()->add_initializer() =
             floats("w", {int64_t{1} << 32, int64_t{1} << 32, 4}, {1, 2});
       },
       ErrorCode::invalid_model, "tensor 'w': dims"},
      {"initializer against its input",
       [](ModelProto& m) {
         *m.mutable_graph()->add_initializer() = floats("w", {2}, {1, 2});
         set_info(*m.mutable_graph()->add_input(), "w", {"3"});
       },
       ErrorCode::invalid_model, "input 'w' is declared as float[3]"},
      {"external data in memory",
       [](ModelProto& m) {
         TensorProto& tensor = *m.mutable_graph()->add_initializer();
         tensor = floats("w", {2}, {});
         tensor.clear_raw_data();
         tensor.set_data_location(TensorProto::EXTERNAL);
       },
       ErrorCode::invalid_model, "external data is not allowed"},
  };
  for (const Refusal& c : cases) {
    CAPTURE(c.name);
    ModelProto proto = relu_model();
    c.spoil(proto);
    const auto model = import_proto(proto);
    REQUIRE(!model.ok());
    CHECK(model.error().code == c.code);
    CHECK_MESSAGE(model.error().message.find(c.says) != std::string::npos, model.error().message);
  }
}

}  // namespace
}  // namespace octet::testing
