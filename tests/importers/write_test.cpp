#include "importers/onnx/write.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <set>

#include "engine/ops/common/recurrent.h"
#include "engine/ops/dynamic_quantize_linear.h"
#include "engine/ops/op.h"
#include "tests/importers/proto_builder.h"

namespace octet::testing {
namespace {

Model must_import(const std::filesystem::path& path) {
  auto model = import_model(path);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  return std::move(*model);
}

QuantPtr quant_u8() {
  QuantType quant;
  quant.scale = Tensor::scalar(0.5F);
  quant.zero_point = Tensor::scalar(uint8_t{3});
  return std::make_shared<const QuantType>(quant);
}

TEST_CASE("a model comes back as it was written") {
  ModelProto proto = empty_model();
  *proto.mutable_graph()->add_initializer() = floats("w", {1, 4}, {1, -2, 3, -4});
  add_node(*proto.mutable_graph(), "Relu", {"w"}, {"r"});
  add_node(*proto.mutable_graph(), "Relu", {"x"}, {"y"});
  set_info(*proto.mutable_graph()->add_output(), "r", {"1", "4"});
  auto* entry = proto.add_metadata_props();
  entry->set_key("k");
  entry->set_value("v");
  const auto model = import_proto(proto);
  REQUIRE(model.ok());
  const Folder folder;
  for (const uint64_t limit : {uint64_t{1} << 30, uint64_t{0}}) {
    CAPTURE(limit);
    const auto path = folder.path / "out.onnx";
    const auto status = write_model(*model, path, {.max_model_bytes = limit});
    REQUIRE_MESSAGE(status.ok(), status.error().message);
    const Model again = must_import(path);
    CHECK(again.metadata.at("k") == "v");
    CHECK(again.graph->value(again.graph->outputs()[0]).name == "y");
    CHECK(again.graph->value(again.graph->outputs()[0]).type.to_string() == "float[n,4]");
    CHECK(again.graph->node_count() == 2);
    const Tensor* w = again.graph->constant(again.graph->node(again.graph->order()[0]).inputs[0]);
    REQUIRE(w != nullptr);
    CHECK(w->as<float>()[1] == -2.0F);
  }
}

TEST_CASE("the hint of a scale a row stays with the nodes that it is for") {
  ModelProto proto = empty_model();
  add_node(*proto.mutable_graph(), "DynamicQuantizeLinear", {"x"}, {"y", "s", "z"});
  proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      TensorProto::UINT8);
  auto& hint = *proto.add_metadata_props();
  hint.set_key("octet.dynamic_scales");
  auto& other = *proto.add_metadata_props();
  other.set_key("octet.unknown");
  other.set_value("row");
  const Folder folder;
  const auto path = folder.path / "out.onnx";
  for (const std::string value : {"row", "planet"}) {
    CAPTURE(value);
    hint.set_value(value);
    const auto model = import_proto(proto);
    REQUIRE_MESSAGE(model.ok(), model.error().message);
    CHECK(ops::has_row_scales(*model->graph) == (value == "row"));
    CHECK(ops::has_row_scales(*model->graph->clone()) == (value == "row"));
    REQUIRE(write_model(*model, path).ok());
    const Model again = must_import(path);
    CHECK(again.metadata.contains("octet.dynamic_scales") == (value == "row"));
    CHECK(ops::has_row_scales(*again.graph) == (value == "row"));
    CHECK(again.metadata.at("octet.unknown") == "row");
  }
}

TEST_CASE("the hint of a state's bits stays with the node that it names") {
  ModelProto proto = empty_model();
  GraphProto& graph = *proto.mutable_graph();
  graph.clear_input();
  graph.clear_output();
  set_info(*graph.add_input(), "x", {"n", "1", "2"});
  for (const char* output : {"y", "z"}) set_info(*graph.add_output(), output, {"n", "1", "1", "1"});
  *graph.add_initializer() = floats("w", {1, 4, 2}, std::vector<float>(8, 0.5F));
  *graph.add_initializer() = floats("r", {1, 4, 1}, std::vector<float>(4, 0.5F));
  add_node(graph, "LSTM", {"x", "w", "r"}, {"y"}).set_name("a node: first");
  add_node(graph, "LSTM", {"x", "w", "r"}, {"z"}).set_name("second");
  const auto add_hint = [&](const std::string& node, const std::string& value) {
    auto& hint = *proto.add_metadata_props();
    hint.set_key("octet.state_bits." + node);
    hint.set_value(value);
  };
  const auto bits = [](const Graph& of) {
    std::vector<int64_t> all;
    for (const NodeId id : of.order())
      all.push_back(ops::recurrent::attrs_of(of.node(id)).state_bits);
    return all;
  };
  add_hint("a node: first", "8");
  add_hint("second", "7");
  add_hint("third", "8");
  const auto model = import_proto(proto);
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  CHECK(bits(*model->graph) == std::vector<int64_t>{8, 16});
  CHECK(bits(*model->graph->clone()) == std::vector<int64_t>{8, 16});
  const Folder folder;
  const auto path = folder.path / "out.onnx";
  REQUIRE(write_model(*model, path).ok());
  const Model again = must_import(path);
  CHECK(bits(*again.graph) == std::vector<int64_t>{8, 16});
  CHECK(again.metadata.size() == 1);
  CHECK(again.metadata.at("octet.state_bits.a node: first") == "8");
}

TEST_CASE("large payloads go to a file of their own") {
  ModelProto proto = empty_model();
  *proto.mutable_graph()->add_initializer() = floats("w", {1000}, std::vector<float>(1000, 7.0F));
  add_node(*proto.mutable_graph(), "Relu", {"w"}, {"r"});
  add_node(*proto.mutable_graph(), "Relu", {"x"}, {"y"});
  set_info(*proto.mutable_graph()->add_output(), "r", {"1000"});
  const auto model = import_proto(proto);
  REQUIRE(model.ok());
  const Folder folder;
  const auto path = folder.path / "out.onnx";
  REQUIRE(write_model(*model, path, {.max_model_bytes = 1000}).ok());
  CHECK(std::filesystem::file_size(folder.path / "out.onnx.data") == 4000);
  const Model again = must_import(path);
  CHECK(again.graph->constant(again.graph->node(again.graph->order()[0]).inputs[0])
            ->as<float>()[999] == 7.0F);
}

TEST_CASE("quantized types are spelled as QuantizeLinear and DequantizeLinear") {
  auto model = import_proto(relu_model());
  REQUIRE(model.ok());
  Graph& graph = *model->graph;
  const ValueId y = graph.outputs()[0];
  graph.value(y).quant = quant_u8();
  const Folder folder;
  const auto path = folder.path / "out.onnx";
  const auto status = write_model(*model, path);
  REQUIRE_MESSAGE(status.ok(), status.error().message);
  std::ifstream in(path, std::ios::binary);
  ModelProto written;
  REQUIRE(written.ParseFromIstream(&in));
  REQUIRE(written.graph().node_size() == 3);
  CHECK(written.graph().node(1).op_type() == "QuantizeLinear");
  CHECK(written.graph().node(2).op_type() == "DequantizeLinear");
  CHECK(written.graph().node(2).output(0) == "y");
  CHECK(written.graph().initializer_size() == 2);
}

TEST_CASE("short names number what is inside; inputs, outputs, constants and nodes keep theirs") {
  ModelProto proto = empty_model();
  *proto.mutable_graph()->add_initializer() = floats("0", {1, 4}, {1, -2, 3, -4});
  add_node(*proto.mutable_graph(), "Add", {"x", "0"}, {"/block/sum_output"}).set_name("/block/sum");
  add_node(*proto.mutable_graph(), "Relu", {"/block/sum_output"}, {"y"}).set_name("/block/relu");
  const auto model = import_proto(proto);
  REQUIRE(model.ok());
  Graph& graph = *model->graph;
  for (const NodeId id : graph.order()) graph.value(graph.node(id).outputs[0]).quant = quant_u8();
  const Folder folder;
  const auto path = folder.path / "out.onnx";
  const auto status = write_model(*model, path, {.short_names = true});
  REQUIRE_MESSAGE(status.ok(), status.error().message);
  std::ifstream in(path, std::ios::binary);
  ModelProto written;
  REQUIRE(written.ParseFromIstream(&in));
  std::vector<std::string> nodes;
  std::set<std::string> values;
  for (const auto& node : written.graph().node()) {
    nodes.push_back(node.name());
    for (const auto& name : node.output()) CHECK(values.insert(name).second);
  }
  CHECK(nodes == Names{"/block/sum", "", "", "/block/relu", "", ""});
  CHECK(written.graph().output(0).name() == "y");
  CHECK(written.graph().node(0).input(1) == "0");
  CHECK(values.count("/block/sum_output") == 0);
  CHECK(written.graph().initializer_size() == 3);  // Both pairs share a scale and a zero point.
  const Model again = must_import(path);
  CHECK(again.graph->node_count() == 6);
}

TEST_CASE("a failed write leaves what was there") {
  const auto model = import_proto(relu_model());
  REQUIRE(model.ok());
  const Folder folder;
  CHECK(write_model(*model, folder.path / "none" / "out.onnx").error().code == ErrorCode::machine);
  CHECK(write_model(*model, folder.path).error().code == ErrorCode::invalid_argument);
  CHECK(std::filesystem::is_empty(folder.path));
}

}  // namespace
}  // namespace octet::testing
