#include <doctest/doctest.h>

#include "tests/importers/proto_builder.h"
#include "tests/importers/run_model.h"

namespace octet::testing {
namespace {

constexpr const char* kDomain = "local";

// A function without nodes that imports the standard operators in `opset`.
FunctionProto& add_function(ModelProto& model, const std::string& name, const Names& inputs,
                            const Names& outputs, int opset = 21) {
  FunctionProto& function = *model.add_functions();
  function.set_name(name);
  function.set_domain(kDomain);
  for (const auto& input : inputs) function.add_input(input);
  for (const auto& output : outputs) function.add_output(output);
  function.add_opset_import()->set_version(opset);
  auto& own = *function.add_opset_import();
  own.set_domain(kDomain);
  own.set_version(1);
  return function;
}

ModelProto local_model() {
  ModelProto model = empty_model();
  auto& import = *model.add_opset_import();
  import.set_domain(kDomain);
  import.set_version(1);
  return model;
}

NodeProto& add_call(google::protobuf::RepeatedPtrField<NodeProto>& nodes, const std::string& name,
                    const Names& inputs, const Names& outputs) {
  NodeProto& node = add_node(nodes, name, inputs, outputs);
  node.set_domain(kDomain);
  return node;
}

void refer(NodeProto& node, const std::string& name, const std::string& to,
           AttributeProto::AttributeType type) {
  add_attribute(node, name, type).set_ref_attr_name(to);
}

Model must_import(const ModelProto& proto) {
  auto model = import_proto(proto);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  return std::move(*model);
}

// Scaled(x, alpha = 0.5) = LeakyRelu(x, alpha); Twice(x, slope) = Scaled(Scaled(x, slope), slope)
ModelProto nested_model() {
  ModelProto model = local_model();
  FunctionProto& scaled = add_function(model, "Scaled", {"a"}, {"b"});
  AttributeProto& standard = *scaled.add_attribute_proto();
  standard.set_name("alpha");
  standard.set_type(AttributeProto::FLOAT);
  standard.set_f(0.5F);
  refer(add_node(*scaled.mutable_node(), "LeakyRelu", {"a"}, {"b"}), "alpha", "alpha",
        AttributeProto::FLOAT);
  FunctionProto& twice = add_function(model, "Twice", {"a"}, {"c"});
  twice.add_attribute("slope");
  for (const auto& [from, to] : {std::pair{"a", "b"}, std::pair{"b", "c"}})
    refer(add_call(*twice.mutable_node(), "Scaled", {from}, {to}), "alpha", "slope",
          AttributeProto::FLOAT);
  return model;
}

TEST_CASE("nested functions hand attributes down; a default stands where none is given") {
  for (const bool given : {true, false}) {
    CAPTURE(given);
    ModelProto proto = nested_model();
    NodeProto& call = add_call(*proto.mutable_graph()->mutable_node(), "Twice", {"x"}, {"y"});
    if (given) add_attribute(call, "slope", AttributeProto::FLOAT).set_f(0.25F);
    const Model model = must_import(proto);
    CHECK(model.graph->node_count() == 2);
    const auto y = run_model(model, {float_row({-16, 2, -1, 0})});
    const float k = given ? 0.0625F : 0.25F;
    CHECK(y[0].to_float() == std::vector<float>{-16 * k, 2, -k, 0});
  }
}

TEST_CASE("inlined names tell two calls apart") {
  ModelProto proto = nested_model();
  auto& nodes = *proto.mutable_graph()->mutable_node();
  add_call(nodes, "Twice", {"x"}, {"m"}).set_name("first");
  add_call(nodes, "Twice", {"m"}, {"y"}).set_name("second");
  const Model model = must_import(proto);
  std::vector<std::string> names;
  for (const NodeId id : model.graph->order()) names.push_back(model.graph->node(id).name);
  CHECK(names == Names{"first/Scaled_1/LeakyRelu_1", "first/Scaled_2/LeakyRelu_1",
                       "second/Scaled_1/LeakyRelu_1", "second/Scaled_2/LeakyRelu_1"});
}

TEST_CASE("a function's nodes have the meaning of the opset that it imports") {
  // Softmax of opset 11 takes all axes from `axis` on as one; since 13 it takes one axis.
  for (const int opset : {11, 13}) {
    CAPTURE(opset);
    ModelProto proto = local_model();
    FunctionProto& function = add_function(proto, "Soft", {"a"}, {"b"}, opset);
    add_attribute(add_node(*function.mutable_node(), "Softmax", {"a"}, {"b"}), "axis",
                  AttributeProto::INT)
        .set_i(0);
    add_call(*proto.mutable_graph()->mutable_node(), "Soft", {"x"}, {"y"});
    const Model model = must_import(proto);
    const auto y = run_model(model, {float_row({3, 3, 3, 3})});
    const float each = opset == 11 ? 0.25F : 1.0F;
    CHECK(y[0].to_float() == std::vector<float>{each, each, each, each});
  }
}

TEST_CASE("a Constant takes its value, a subgraph its attribute from the call") {
  ModelProto proto = local_model();
  FunctionProto& function = add_function(proto, "Plus", {"a"}, {"b"});
  function.add_attribute("amount");
  refer(add_node(*function.mutable_node(), "Constant", {}, {"c"}), "value_float", "amount",
        AttributeProto::FLOAT);
  NodeProto& condition = add_node(*function.mutable_node(), "Constant", {}, {"d"});
  TensorProto& flag = *add_attribute(condition, "value", AttributeProto::TENSOR).mutable_t();
  flag.set_data_type(TensorProto::BOOL);
  flag.add_int32_data(1);
  NodeProto& branch = add_node(*function.mutable_node(), "If", {"d"}, {"b"});
  for (const char* name : {"then_branch", "else_branch"}) {
    GraphProto& body = *add_attribute(branch, name, AttributeProto::GRAPH).mutable_g();
    body.set_name(name);
    add_node(body, "Add", {"a", "c"}, {"out"});
    body.add_output()->set_name("out");
  }
  NodeProto& call = add_call(*proto.mutable_graph()->mutable_node(), "Plus", {"x"}, {"y"});
  add_attribute(call, "amount", AttributeProto::FLOAT).set_f(2.5F);
  const auto y = run_model(must_import(proto), {float_row({1, 2, 3, 4})});
  CHECK(y[0].to_float() == std::vector<float>{3.5, 4.5, 5.5, 6.5});
}

TEST_CASE("a function may leave an input through, give it twice, or do without one") {
  ModelProto proto = local_model();
  FunctionProto& function = add_function(proto, "Clamp", {"a", "low", "high"}, {"b", "a"});
  add_node(*function.mutable_node(), "Clip", {"a", "low", "high"}, {"b"});
  *proto.mutable_graph()->add_initializer() = floats("top", {}, {2});
  add_call(*proto.mutable_graph()->mutable_node(), "Clamp", {"x", "", "top"}, {"y", "same"});
  set_info(*proto.mutable_graph()->add_output(), "same", {"n", "4"});
  const auto y = run_model(must_import(proto), {float_row({-9, 2, 3, 0})});
  CHECK(y[0].to_float() == std::vector<float>{-9, 2, 2, 0});
  CHECK(y[1].to_float() == std::vector<float>{-9, 2, 3, 0});
}

TEST_CASE("bad functions are refused by the call's name") {
  struct Bad {
    std::string name;
    void (*spoil)(ModelProto&);
    std::string says;
  };
  const std::vector<Bad> cases = {
      {"calls itself",
       [](ModelProto& m) {
         add_call(*m.mutable_functions(0)->mutable_node(), "Twice", {"b"}, {"z"});
       },
       "the function calls itself"},
      {"unknown attribute",
       [](ModelProto& m) {
         add_attribute(*m.mutable_graph()->mutable_node(0), "depth", AttributeProto::INT).set_i(1);
       },
       "attribute 'depth' is none of the function's"},
      {"too many inputs", [](ModelProto& m) { m.mutable_graph()->mutable_node(0)->add_input("x"); },
       "fewer inputs or outputs than the call"},
      {"an output that nobody makes",
       [](ModelProto& m) { m.mutable_functions(1)->set_output(0, "zz"); },
       "doesn't make its output 'zz'"},
      {"sees the caller's values",
       [](ModelProto& m) { m.mutable_functions(0)->mutable_node(0)->set_input(0, "x"); },
       "value 'x' is not defined"},
      {"defined twice", [](ModelProto& m) { *m.add_functions() = m.functions(0); },
       "function 'Scaled' is defined twice"},
      {"old opset",
       [](ModelProto& m) { m.mutable_functions(0)->mutable_opset_import(0)->set_version(5); },
       "opset 5 is not supported"},
      {"unknown operator",
       [](ModelProto& m) { m.mutable_functions(0)->mutable_node(0)->set_op_type("Frob"); },
       "local.Twice 'Twice_1': local.Scaled 'Scaled_1': Frob"},
  };
  for (const Bad& c : cases) {
    CAPTURE(c.name);
    ModelProto proto = nested_model();
    add_call(*proto.mutable_graph()->mutable_node(), "Twice", {"x"}, {"y"});
    c.spoil(proto);
    const auto model = import_proto(proto);
    REQUIRE(!model.ok());
    CHECK_MESSAGE(model.error().message.find(c.says) != std::string::npos, model.error().message);
  }
}

}  // namespace
}  // namespace octet::testing
