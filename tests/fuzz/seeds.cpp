#include "tests/fuzz/seeds.h"

#include "tests/importers/proto_builder.h"

namespace octet::fuzz {
namespace {

using namespace testing;

AttributeProto& add_int(NodeProto& node, const std::string& name, int64_t value) {
  AttributeProto& attribute = add_attribute(node, name, AttributeProto::INT);
  attribute.set_i(value);
  return attribute;
}

TensorProto boolean(const std::string& name, bool value) {
  TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::BOOL);
  tensor.add_int32_data(value ? 1 : 0);
  return tensor;
}

// y = f(f(x)) with f(x) = LeakyRelu(x, alpha) + x.
ModelProto functions() {
  ModelProto model = empty_model();
  auto& import = *model.add_opset_import();
  import.set_domain("own");
  import.set_version(1);
  FunctionProto& function = *model.add_functions();
  function.set_name("Twice");
  function.set_domain("own");
  function.add_input("a");
  function.add_output("c");
  function.add_attribute("slope");
  function.add_opset_import()->set_version(21);
  NodeProto& leaky = add_node(*function.mutable_node(), "LeakyRelu", {"a"}, {"b"});
  add_attribute(leaky, "alpha", AttributeProto::FLOAT).set_ref_attr_name("slope");
  add_node(*function.mutable_node(), "Add", {"a", "b"}, {"c"});
  for (const auto& [from, to] : {std::pair{"x", "h"}, std::pair{"h", "y"}}) {
    NodeProto& call = add_node(*model.mutable_graph(), "Twice", {from}, {to});
    call.set_domain("own");
    add_attribute(call, "slope", AttributeProto::FLOAT).set_f(0.25F);
  }
  return model;
}

// A loop of three rounds around a choice; both capture x.
ModelProto bodies() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  *graph.add_initializer() = int64_tensor("rounds", {}, {3});
  *graph.add_initializer() = boolean("go", true);
  NodeProto& loop = add_node(graph, "Loop", {"rounds", "go", "x"}, {"y", "all"});
  GraphProto& body = *add_attribute(loop, "body", AttributeProto::GRAPH).mutable_g();
  body.set_name("body");
  set_info(*body.add_input(), "i", {}, TensorProto::INT64);
  set_info(*body.add_input(), "on", {}, TensorProto::BOOL);
  set_info(*body.add_input(), "h", {"n", "4"});
  NodeProto& choice = add_node(body, "If", {"on"}, {"chosen"});
  for (const char* branch : {"then_branch", "else_branch"}) {
    GraphProto& side = *add_attribute(choice, branch, AttributeProto::GRAPH).mutable_g();
    side.set_name(branch);
    add_node(side, branch[0] == 't' ? "Add" : "Mul", {"h", "x"}, {"r"});
    set_info(*side.add_output(), "r", {"n", "4"});
  }
  add_node(body, "Identity", {"on"}, {"still"});
  add_node(body, "ReduceMax", {"chosen"}, {"largest"});
  set_info(*body.add_output(), "still", {}, TensorProto::BOOL);
  set_info(*body.add_output(), "chosen", {"n", "4"});
  set_info(*body.add_output(), "largest", {"1", "1"});
  set_info(*graph.add_output(), "all", {"?", "?", "?"});
  return model;
}

// A table and a dense view of a sparse tensor, looked up by a shape's arithmetic.
ModelProto sparse() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  auto& table = *graph.add_sparse_initializer();
  *table.mutable_values() = floats("table", {2}, {1.5F, -2.0F});
  *table.mutable_indices() = int64_tensor("", {2}, {1, 10});
  table.add_dims(4);
  table.add_dims(4);
  *graph.add_initializer() = int64_tensor("one", {1}, {1});
  add_node(graph, "Shape", {"x"}, {"shape"});
  add_node(graph, "Gather", {"shape", "one"}, {"width"});
  add_node(graph, "ConstantOfShape", {"width"}, {"zeros"});
  add_node(graph, "MatMul", {"x", "table"}, {"h"});
  add_node(graph, "Add", {"h", "zeros"}, {"y"});
  return model;
}

// Sequences, strings and an optional, from which a tensor comes back.
ModelProto boxed() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  *graph.add_initializer() = int64_tensor("zero", {}, {0});
  NodeProto& split = add_node(graph, "SplitToSequence", {"x"}, {"parts"});
  add_int(split, "axis", 1);
  add_node(graph, "SequenceAt", {"parts", "zero"}, {"first"});
  add_node(graph, "SequenceInsert", {"parts", "first"}, {"more"});
  NodeProto& joined = add_node(graph, "ConcatFromSequence", {"more"}, {"wide"});
  add_int(joined, "axis", 1);
  add_node(graph, "Optional", {"wide"}, {"maybe"});
  add_node(graph, "OptionalGetElement", {"maybe"}, {"sure"});
  NodeProto& cast = add_node(graph, "Cast", {"sure"}, {"text"});
  add_int(cast, "to", TensorProto::STRING);
  NodeProto& back = add_node(graph, "Cast", {"text"}, {"numbers"});
  add_int(back, "to", TensorProto::FLOAT);
  NodeProto& sum = add_node(graph, "ReduceMean", {"numbers"}, {"mean"});
  add_int(sum, "keepdims", 1);
  add_node(graph, "Add", {"x", "mean"}, {"y"});
  return model;
}

ModelProto external() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  TensorProto& weights = *graph.add_initializer();
  weights = floats("w", {4, 4}, {});
  make_external(weights, "weights.data", 0);
  add_node(graph, "MatMul", {"x", "w"}, {"y"});
  return model;
}

// A small network in float: what the quantizer changes most.
ModelProto network() {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();
  std::vector<float> values(64);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(i * 37 % 64) / 32.0F - 1.0F;
  *graph.add_initializer() = floats("w1", {4, 16}, values);
  *graph.add_initializer() = floats("b1", {16}, {values.begin(), values.begin() + 16});
  *graph.add_initializer() = floats("w2", {16, 4}, values);
  *graph.add_initializer() = floats("g", {16}, std::vector<float>(16, 1.0F));
  add_node(graph, "Gemm", {"x", "w1", "b1"}, {"a"});
  NodeProto& norm = add_node(graph, "LayerNormalization", {"a", "g"}, {"l"});
  add_int(norm, "axis", -1);
  add_node(graph, "Gelu", {"l"}, {"h"}).set_domain("");
  add_node(graph, "Softmax", {"h"}, {"s"});
  add_node(graph, "Mul", {"s", "a"}, {"m"});
  add_node(graph, "MatMul", {"m", "w2"}, {"y"});
  return model;
}

}  // namespace

std::vector<std::string> seeds() {
  std::vector<std::string> models;
  for (const auto& make : {functions, bodies, sparse, boxed, external, network})
    models.push_back(make().SerializeAsString());
  return models;
}

}  // namespace octet::fuzz
