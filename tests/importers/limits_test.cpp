#include <doctest/doctest.h>

#include "tests/importers/proto_builder.h"
#include "tests/importers/run_model.h"

// Each limit of an import at its edge: what just fits loads, and one more is refused by name.

namespace octet::testing {
namespace {

// y = x through `depth` bodies within bodies.
ModelProto nested_bodies(size_t depth) {
  ModelProto model = empty_model();
  TensorProto& condition = *model.mutable_graph()->add_initializer();
  condition.set_name("c");
  condition.set_data_type(TensorProto::BOOL);
  condition.add_int32_data(1);
  model.mutable_graph()->mutable_output(0)->clear_type();
  GraphProto* graph = model.mutable_graph();
  std::string result = "y";
  // What isn't known ahead: a body of a known condition takes its node's place.
  ValueInfoProto& flag = *graph->add_input();
  set_info(flag, "flag", {}, TensorProto::BOOL);
  for (size_t level = 0; level < depth; ++level) {
    NodeProto& node = add_node(*graph, "If", {"flag"}, {result});
    const std::string inner = "r" + std::to_string(level);
    GraphProto& other = *add_attribute(node, "else_branch", AttributeProto::GRAPH).mutable_g();
    add_node(other, "Identity", {"x"}, {"e" + std::to_string(level)});
    other.add_output()->set_name("e" + std::to_string(level));
    graph = add_attribute(node, "then_branch", AttributeProto::GRAPH).mutable_g();
    graph->add_output()->set_name(inner);
    result = inner;
  }
  add_node(*graph, "Identity", {"x"}, {result});
  return model;
}

// y = x through `depth` functions that call each other.
ModelProto nested_calls(size_t depth) {
  ModelProto model = empty_model();
  model.mutable_graph()->mutable_output(0)->clear_type();
  auto& import = *model.add_opset_import();
  import.set_domain("local");
  import.set_version(1);
  for (size_t level = 0; level < depth; ++level) {
    auto& function = *model.add_functions();
    function.set_name("f" + std::to_string(level));
    function.set_domain("local");
    function.add_input("a");
    function.add_output("b");
    function.add_opset_import()->set_version(21);
    auto& own = *function.add_opset_import();
    own.set_domain("local");
    own.set_version(1);
    const bool last = level + 1 == depth;
    NodeProto& node = add_node(*function.mutable_node(),
                               last ? "Identity" : "f" + std::to_string(level + 1), {"a"}, {"b"});
    if (!last) node.set_domain("local");
  }
  add_node(*model.mutable_graph(), "f0", {"x"}, {"y"}).set_domain("local");
  return model;
}

ModelProto chain(size_t nodes) {
  ModelProto model = empty_model();
  std::string from = "x";
  for (size_t i = 0; i < nodes; ++i) {
    const std::string to = i + 1 == nodes ? "y" : "v" + std::to_string(i);
    add_node(*model.mutable_graph(), "Relu", {from}, {to});
    from = to;
  }
  return model;
}

void refused(const ModelProto& model, const char* says, const ImportLimits& limits = {}) {
  const auto imported = import_proto(model, limits);
  REQUIRE(!imported.ok());
  CHECK(imported.error().code == ErrorCode::limit);
  CHECK_MESSAGE(imported.error().message.find(says) != std::string::npos, imported.error().message);
}

}  // namespace

TEST_CASE("32 bodies within bodies load and run, 33 don't load") {
  const auto model = import_proto(nested_bodies(32));
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const Tensor x = float_row({1, 2, 3, 4});
  for (const bool flag : {true, false}) CHECK(run_model(*model, {x, Tensor::scalar(flag)})[0] == x);
  refused(nested_bodies(33), "subgraphs are nested deeper than 32 levels");
  refused(nested_bodies(200), "deeper than 128 levels");
}

TEST_CASE("100 functions that call each other load and run, 101 don't load") {
  const auto model = import_proto(nested_calls(100));
  REQUIRE_MESSAGE(model.ok(), model.error().message);
  const Tensor x = float_row({1, 2, 3, 4});
  CHECK(run_model(*model, {x})[0] == x);
  refused(nested_calls(101), "function calls are nested deeper than 100 levels");
}

TEST_CASE("nodes and decoded elements are counted to the last, bytes closely") {
  CHECK(import_proto(chain(10), {.max_nodes = 10}).ok());
  refused(chain(11), "10", {.max_nodes = 10});
  const ModelProto model = chain(3);
  const uint64_t bytes = model.SerializeAsString().size();
  // What a limit is asked of is written anew, with longer lengths.
  CHECK(import_proto(model, {.max_structure_bytes = 4 * bytes}).ok());
  refused(model, "bytes", {.max_structure_bytes = bytes / 2});
  ModelProto decoded = chain(1);
  TensorProto& list = *decoded.mutable_graph()->add_initializer();
  list.set_name("w");
  list.set_data_type(TensorProto::INT64);
  list.add_dims(100);
  for (int i = 0; i < 100; ++i) list.add_int64_data(i);
  CHECK(import_proto(decoded, {.max_decoded_bytes = 800}).ok());
  refused(decoded, "more than 799 bytes", {.max_decoded_bytes = 799});
}

}  // namespace octet::testing
