#include <doctest/doctest.h>

#include "tests/importers/proto_builder.h"

namespace octet::testing {
namespace {

// Models that made an earlier state of the importer or the kernels read or write where they must
// not, in the smallest form that did.
struct Hostile {
  const char* name;
  void (*build)(ModelProto& model);
  const char* says;
};

void add_int(NodeProto& node, const char* name, int64_t value) {
  add_attribute(node, name, AttributeProto::INT).set_i(value);
}

void set_x(ModelProto& model, const Names& dims) {
  ValueInfoProto& x = *model.mutable_graph()->mutable_input(0);
  x.clear_type();
  set_info(x, "x", dims);
}

const Hostile kHostile[] = {
    {"types that differ",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() = int64_tensor("i", {4}, {1, 2, 3, 4});
       add_node(*m.mutable_graph(), "Add", {"x", "i"}, {"y"});
     },
     "its input 1 is int64 where others are float"},
    {"a type that the operator lacks",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() = floats("f", {1}, {1});
       add_node(*m.mutable_graph(), "Gather", {"x", "f"}, {"y"});
     },
     "its input 1 is float[1], which the operator doesn't take there"},
    {"an input that must be there",
     [](ModelProto& m) { add_node(*m.mutable_graph(), "Pad", {"x"}, {"y"}); },
     "its input 1 is missing"},
    {"an input of fused forms",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() = floats("w", {4, 4}, std::vector<float>(16));
       add_node(*m.mutable_graph(), "MatMul", {"x", "w", "w"}, {"y"});
     },
     "it has 3 inputs"},
    {"a scalar without an element",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() = int64_tensor("k", {0}, {});
       add_node(*m.mutable_graph(), "Trilu", {"x", "k"}, {"y"});
     },
     "its input 1 has 0 elements"},
    {"more axes than inference reads",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() =
           int64_tensor("axes", {2000}, std::vector<int64_t>(2000, 0));
       add_node(*m.mutable_graph(), "Squeeze", {"x", "axes"}, {"y"});
     },
     "its input 1 has 2000 elements"},
    {"a shape of too many extents",
     [](ModelProto& m) {
       set_info(*m.mutable_graph()->add_input(), "s", {"1099511627776"}, TensorProto::INT64);
       add_node(*m.mutable_graph(), "ConstantOfShape", {"s"}, {"y"});
     },
     "its input 0 has 1099511627776 elements"},
    {"axes of a scalar permuted",
     [](ModelProto& m) {
       set_x(m, {});
       NodeProto& node = add_node(*m.mutable_graph(), "Transpose", {"x"}, {"y"});
       add_attribute(node, "perm", AttributeProto::INTS).add_ints(3);
     },
     "'perm' doesn't permute"},
    {"codes of no type",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() = floats("s", {}, {1});
       add_int(add_node(*m.mutable_graph(), "QuantizeLinear", {"x", "s"}, {"y"}), "output_dtype",
               4096);
     },
     "element type 4096"},
    {"a block whose square is 0",
     [](ModelProto& m) {
       set_x(m, {"1", "4", "2", "2"});
       add_int(add_node(*m.mutable_graph(), "DepthToSpace", {"x"}, {"y"}), "blocksize",
               int64_t{1} << 32);
     },
     "blocksize 4294967296"},
    {"a slope that is larger",
     [](ModelProto& m) {
       set_x(m, {"1", "4"});
       *m.mutable_graph()->add_initializer() = floats("s", {2, 1, 4}, std::vector<float>(8));
       add_node(*m.mutable_graph(), "PRelu", {"x", "s"}, {"y"});
     },
     "the slope of [2,1,4]"},
    {"a bias of other channels",
     [](ModelProto& m) {
       set_x(m, {"1", "1", "4", "4"});
       *m.mutable_graph()->add_initializer() = floats("w", {2, 1, 1, 1}, {1, 2});
       *m.mutable_graph()->add_initializer() = floats("b", {1}, {1});
       add_node(*m.mutable_graph(), "Conv", {"x", "w", "b"}, {"y"});
     },
     "the bias of [1]"},
    {"more groups than weights, of an input of any rank",
     [](ModelProto& m) {
       m.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
       *m.mutable_graph()->add_initializer() = floats("w", {2, 1, 1, 1}, {1, 2});
       add_int(add_node(*m.mutable_graph(), "Conv", {"x", "w"}, {"y"}), "group", int64_t{1} << 62);
     },
     "does not divide M=2"},
    {"groups of no channels",
     [](ModelProto& m) {
       set_x(m, {"1", "0", "2", "2"});
       *m.mutable_graph()->add_initializer() = floats("w", {0, 0, 1, 1}, {});
       add_int(add_node(*m.mutable_graph(), "Conv", {"x", "w"}, {"y"}), "group", int64_t{1} << 62);
     },
     "does not divide M=0"},
    {"an output of a former version",
     [](ModelProto& m) {
       m.mutable_opset_import(0)->set_version(15);
       set_x(m, {"2", "1"});
       *m.mutable_graph()->add_initializer() = floats("s", {1}, {1});
       add_int(add_node(*m.mutable_graph(), "BatchNormalization", {"x", "s", "s", "s", "s"},
                        {"y", "mean", "variance", "saved"}),
               "training_mode", 1);
     },
     "output 3 isn't one of the operator's"},
    {"no output with a name",
     [](ModelProto& m) {
       add_node(*m.mutable_graph(), "Relu", {"x"}, {"y"});
       add_node(*m.mutable_graph(), "Softmax", {"x"}, {""});
     },
     "none of its outputs has a name"},
    {"a first output without a name",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() = floats("g", {4}, {1, 1, 1, 1});
       add_node(*m.mutable_graph(), "LayerNormalization", {"x", "g"}, {"", "y"});
     },
     "its output 0 has no name"},
    {"indices without an axis",
     [](ModelProto& m) {
       *m.mutable_graph()->add_initializer() = int64_tensor("i", {}, {0});
       add_node(*m.mutable_graph(), "ScatterND", {"x", "i", "x"}, {"y"});
     },
     "its input 1 has rank 0"},
    {"classes without a batch",
     [](ModelProto& m) {
       set_x(m, {});
       add_node(*m.mutable_graph(), "Multinomial", {"x"}, {"y"});
     },
     "its input 0 has rank 0"},
    {"a condition that is missing",
     [](ModelProto& m) {
       NodeProto& node = add_node(*m.mutable_graph(), "If", {""}, {"y"});
       for (const char* branch : {"then_branch", "else_branch"}) {
         GraphProto& body = *add_attribute(node, branch, AttributeProto::GRAPH).mutable_g();
         add_node(body, "Relu", {"x"}, {"z"});
         body.add_output()->set_name("z");
       }
     },
     "its input 0 is missing"},
    {"scales that are missing",
     [](ModelProto& m) {
       m.mutable_opset_import(0)->set_version(9);
       add_node(*m.mutable_graph(), "Upsample", {"x", ""}, {"y"});
     },
     "its input 1 is missing"},
};

TEST_CASE("inputs are held to the operators' signatures, and what was once read past is refused") {
  for (const Hostile& c : kHostile) {
    CAPTURE(c.name);
    ModelProto model = empty_model();
    model.mutable_graph()->mutable_output(0)->clear_type();
    c.build(model);
    const auto imported = import_proto(model);
    REQUIRE(!imported.ok());
    CHECK_MESSAGE(imported.error().message.find(c.says) != std::string::npos,
                  imported.error().message);
  }
}

}  // namespace
}  // namespace octet::testing
