#include <doctest/doctest.h>

#include "engine/passes/pass.h"
#include "tests/importers/proto_builder.h"

namespace octet::testing {
namespace {

// A tensor of zeros; codes and their zero points are all of one type.
struct Part {
  const char* name;
  std::vector<int64_t> dims;
  TensorProto::DataType type = TensorProto::UINT8;
};

TensorProto zeros(const Part& part) {
  size_t bytes = part.type == TensorProto::FLOAT || part.type == TensorProto::INT32 ? 4 : 1;
  for (const int64_t dim : part.dims) bytes *= static_cast<size_t>(dim);
  TensorProto tensor;
  tensor.set_name(part.name);
  tensor.set_data_type(part.type);
  for (const int64_t dim : part.dims) tensor.add_dims(dim);
  tensor.set_raw_data(std::string(bytes, '\0'));
  return tensor;
}

struct Case {
  const char* op;
  std::vector<Part> parts;
  std::vector<std::pair<const char*, int>> attributes;
  const char* says;
};

constexpr auto kFloat = TensorProto::FLOAT;
constexpr auto kSums = TensorProto::INT32;

// A node whose operands are all constants: what fails depends on them alone.
Result<Model> import_node(const Case& c) {
  ModelProto proto = empty_model();
  GraphProto& graph = *proto.mutable_graph();
  Names inputs;
  for (const Part& part : c.parts) {
    inputs.emplace_back(part.name);
    *graph.add_initializer() = zeros(part);
  }
  NodeProto& node = add_node(graph, c.op, inputs, {"y"});
  for (const auto& [name, value] : c.attributes)
    add_attribute(node, name, AttributeProto::INT).set_i(value);
  graph.mutable_output(0)->mutable_type()->clear_tensor_type();
  return import_proto(proto);
}

const Part kWeights = {"w", {4, 6}};
const Part kImage = {"image", {1, 2, 5, 5}};
const Part kFilters = {"w", {3, 2, 3, 3}};

// As many scales and zero points as the codes' dims ask for, or none of it is read.
const Case kRefused[] = {
    {"DequantizeLinear", {kWeights, {"s", {5}, kFloat}}, {{"axis", 1}}, "don't fit axis 1"},
    {"DequantizeLinear", {kWeights, {"s", {6}, kFloat}}, {{"axis", 0}}, "don't fit axis 0"},
    {"DequantizeLinear", {kWeights, {"s", {6}, kFloat}}, {{"axis", 2}}, "outside rank 2"},
    {"DequantizeLinear", {kWeights, {"s", {4, 6}, kFloat}}, {}, "scales of [4,6]"},
    {"DequantizeLinear",
     {kWeights, {"s", {6}, kFloat}, {"z", {1}}},
     {{"axis", 1}},
     "zero points of [1] don't fit scales of [6]"},
    {"DequantizeLinear",
     {kWeights, {"s", {}, kFloat}, {"z", {6}}},
     {{"axis", 1}},
     "zero points of [6] don't fit scales of []"},
    {"DequantizeLinear",
     {kWeights, {"s", {2, 5}, kFloat}},
     {{"axis", 0}, {"block_size", 2}},
     "don't fit blocks of [4,6]"},
    {"DequantizeLinear",
     {kWeights, {"s", {2}, kFloat}},
     {{"axis", 0}, {"block_size", 2}},
     "don't fit blocks of [4,6]"},
    {"DequantizeLinear",
     {kWeights, {"s", {2, 6}, kFloat}, {"z", {2, 1}}},
     {{"axis", 0}, {"block_size", 2}},
     "zero points of [2,1]"},
    {"QuantizeLinear",
     {{"values", {4, 6}, kFloat}, {"s", {4}, kFloat}, {"z", {6}}},
     {{"axis", 0}},
     "zero points of [6] don't fit scales of [4]"},
    {"MatMulInteger", {{"a", {3, 4}}, kWeights, {"za", {2}}}, {}, "A's zero point has 2"},
    {"MatMulInteger",
     {{"a", {3, 4}}, kWeights, {"za", {}}, {"zb", {4}}},
     {},
     "B's zero point has 4"},
    {"ConvInteger", {kImage, kFilters, {"zx", {2}}}, {}, "X's zero point has 2"},
    {"ConvInteger", {kImage, kFilters, {"zx", {}}, {"zw", {2}}}, {}, "W's zero point has 2"},
    {"QLinearMatMul",
     {{"a", {3, 4}},
      {"sa", {}, kFloat},
      {"za", {}},
      kWeights,
      {"sb", {5}, kFloat},
      {"zb", {6}},
      {"sy", {}, kFloat},
      {"zy", {}}},
     {},
     "B's scale has 5"},
    {"QLinearMatMul",
     {{"a", {3, 4}},
      {"sa", {}, kFloat},
      {"za", {}},
      kWeights,
      {"sb", {}, kFloat},
      {"zb", {}},
      {"sy", {0}, kFloat},
      {"zy", {}}},
     {},
     "the output's scale has 0"},
    {"QLinearConv",
     {kImage,
      {"sx", {}, kFloat},
      {"zx", {}},
      kFilters,
      {"sw", {2}, kFloat},
      {"zw", {}},
      {"sy", {}, kFloat},
      {"zy", {}}},
     {},
     "W's scale has 2"},
    {"QLinearConv",
     {kImage,
      {"sx", {}, kFloat},
      {"zx", {}},
      kFilters,
      {"sw", {3}, kFloat},
      {"zw", {3}},
      {"sy", {}, kFloat},
      {"zy", {}},
      {"b", {1}, kSums}},
     {},
     "the bias has 1"},
};

TEST_CASE("scales and zero points that don't fit their codes are refused at load, by name") {
  for (const Case& c : kRefused) {
    const auto model = import_node(c);
    REQUIRE(!model.ok());
    INFO(model.error().message);
    INFO(std::string(c.says));
    CHECK(model.error().message.find(std::string(c.op) + " '" + c.op + "_1'") != std::string::npos);
    CHECK(model.error().message.find(c.says) != std::string::npos);
  }
}

TEST_CASE("scales that fit become the constant's type: per tensor, by channel and by block") {
  const Case cases[] = {
      {"DequantizeLinear", {kWeights, {"s", {}, kFloat}, {"z", {1}}}, {}, ""},
      {"DequantizeLinear", {kWeights, {"s", {1}, kFloat}}, {{"axis", 0}}, ""},
      {"DequantizeLinear", {kWeights, {"s", {6}, kFloat}, {"z", {6}}}, {{"axis", -1}}, ""},
      {"DequantizeLinear",
       {kWeights, {"s", {2, 6}, kFloat}, {"z", {2, 6}}},
       {{"axis", 0}, {"block_size", 3}},
       ""},
  };
  for (const Case& c : cases) {
    const auto model = import_node(c);
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    CHECK(run_passes(*model->graph, PassPhase::portable, {}).ok());
  }
}

}  // namespace
}  // namespace octet::testing
