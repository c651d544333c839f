#include "tests/importers/proto_builder.h"
#include "tests/importers/run_model.h"

// Strings, sequences, optionals and maps through whole models.

namespace octet::testing {
namespace {

using octet_onnx::TypeProto;

Tensor row(const std::vector<float>& values) {
  return Tensor::of(Dims{static_cast<int64_t>(values.size())}, values);
}
Tensor words(const std::vector<std::string>& values) {
  return Tensor::strings({static_cast<int64_t>(values.size())}, values);
}
Tensor integers(const std::vector<int64_t>& values) {
  return Tensor::of(Dims{static_cast<int64_t>(values.size())}, values);
}

// A model without inputs or outputs yet.
struct Sketch {
  ModelProto model = empty_model();
  GraphProto& graph = *model.mutable_graph();

  Sketch() {
    graph.clear_input();
    graph.clear_output();
    auto& ml = *model.add_opset_import();
    ml.set_domain("ai.onnx.ml");
    ml.set_version(5);
  }
  TypeProto& input(const std::string& name) {
    auto& info = *graph.add_input();
    info.set_name(name);
    return *info.mutable_type();
  }
  void tensor_input(const std::string& name, TensorProto::DataType type, const Names& dims) {
    set_info(*graph.add_input(), name, dims, type);
  }
  void output(const std::string& name) { graph.add_output()->set_name(name); }
  void number(const std::string& name, int64_t value) {
    TensorProto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(TensorProto::INT64);
    tensor.add_int64_data(value);
  }
  NodeProto& node(const std::string& op, const Names& inputs, const Names& outputs) {
    return add_node(graph, op, inputs, outputs);
  }
  std::vector<Tensor> run(const std::vector<Tensor>& inputs) const {
    const std::string bytes = model.SerializeAsString();
    const auto imported = import_model(std::as_bytes(std::span<const char>(bytes)), {});
    REQUIRE_MESSAGE(imported.ok(), imported.error().message);
    return run_model(*imported, inputs);
  }
};

void float_elements(TypeProto& type) {
  type.mutable_sequence_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(
      TensorProto::FLOAT);
}

}  // namespace

TEST_CASE("sequences are built, changed, measured and joined") {
  Sketch s;
  for (const char* name : {"a", "b", "c"}) s.tensor_input(name, TensorProto::FLOAT, {"?"});
  s.number("minus_one", -1);
  s.number("zero", 0);
  s.node("SequenceConstruct", {"a", "b"}, {"pair"});
  s.node("SequenceInsert", {"pair", "c", "minus_one"}, {"three"});  // a c b
  s.node("SequenceLength", {"three"}, {"length"});
  s.node("SequenceAt", {"three", "minus_one"}, {"last"});
  add_attribute(s.node("ConcatFromSequence", {"three"}, {"joined"}), "axis", AttributeProto::INT)
      .set_i(0);
  s.node("SequenceErase", {"three", "zero"}, {"rest"});
  for (const char* name : {"length", "last", "joined", "rest"}) s.output(name);
  const auto y = s.run({row({1, 2}), row({3}), row({4, 5, 6})});
  CHECK(y[0] == Tensor::scalar<int64_t>(3));
  CHECK(y[1] == row({3}));
  CHECK(y[2] == row({1, 2, 4, 5, 6, 3}));
  CHECK(y[3] == Tensor::list({row({4, 5, 6}), row({3})}));
}

TEST_CASE("a sequence from the caller goes through unchanged") {
  Sketch s;
  float_elements(s.input("x"));
  s.node("Identity", {"x"}, {"y"});
  s.output("y");
  const Tensor given = Tensor::list({row({1}), row({}), row({2, 3})});
  CHECK(s.run({given})[0] == given);
}

TEST_CASE("a sequence of other elements is refused") {
  Sketch s;
  float_elements(s.input("x"));
  s.node("SequenceLength", {"x"}, {"y"});
  s.output("y");
  const std::string bytes = s.model.SerializeAsString();
  const auto model = import_model(std::as_bytes(std::span<const char>(bytes)), {});
  REQUIRE(model.ok());
  const auto program = runtime::Program::compile(model->graph, {});
  REQUIRE(program.ok());
  const auto run = [&](const Tensor& x) { return (*program)->run(std::vector<Tensor>{x}).ok(); };
  CHECK(run(Tensor::list({row({1})})));
  CHECK_FALSE(run(Tensor::list({integers({1})})));
  CHECK_FALSE(run(row({1})));
}

TEST_CASE("a bool that is neither 0 nor 1 is refused, alone and in a sequence") {
  Sketch s;
  s.tensor_input("x", TensorProto::BOOL, {"2"});
  s.input("list")
      .mutable_sequence_type()
      ->mutable_elem_type()
      ->mutable_tensor_type()
      ->set_elem_type(TensorProto::BOOL);
  s.node("Or", {"x", "x"}, {"y"});
  s.node("SequenceLength", {"list"}, {"length"});
  for (const char* name : {"y", "length"}) s.output(name);
  const std::string bytes = s.model.SerializeAsString();
  const auto model = import_model(std::as_bytes(std::span<const char>(bytes)), {});
  REQUIRE(model.ok());
  const auto program = runtime::Program::compile(model->graph, {});
  REQUIRE(program.ok());
  const auto bools = [](uint8_t second) {
    const uint8_t both[] = {1, second};
    return Tensor::copy(DType::boolean, Dims{2}, std::as_bytes(std::span(both)));
  };
  const auto run = [&](uint8_t alone, uint8_t listed) {
    return (*program)->run(std::vector{bools(alone), Tensor::list({bools(listed)})}).ok();
  };
  CHECK(run(0, 1));
  CHECK_FALSE(run(2, 1));
  CHECK_FALSE(run(0, 255));
}

TEST_CASE("optionals say whether they hold something") {
  Sketch s;
  auto& type = s.input("x");
  type.mutable_optional_type()->mutable_elem_type()->mutable_tensor_type()->set_elem_type(
      TensorProto::FLOAT);
  s.node("OptionalHasElement", {"x"}, {"has"});
  s.output("has");
  CHECK(s.run({Tensor::list({row({1})})})[0] == Tensor::scalar(true));
  CHECK(s.run({Tensor::list({})})[0] == Tensor::scalar(false));
  s.node("OptionalGetElement", {"x"}, {"y"});
  s.output("y");
  CHECK(s.run({Tensor::list({row({1, 2})})})[1] == row({1, 2}));
}

TEST_CASE("strings are compared, picked, joined and counted") {
  Sketch s;
  s.tensor_input("x", TensorProto::STRING, {"4"});
  s.tensor_input("at", TensorProto::INT64, {"2"});
  s.node("Equal", {"x", "x"}, {"same"});
  s.node("Gather", {"x", "at"}, {"picked"});
  s.node("StringConcat", {"picked", "picked"}, {"twice"});
  s.node("Unique", {"x"}, {"distinct", "", "inverse"});
  s.node("Shape", {"x"}, {"shape"});
  for (const char* name : {"same", "twice", "distinct", "inverse", "shape"}) s.output(name);
  const auto y = s.run({words({"pear", "", "fig", "pear"}), integers({3, 1})});
  CHECK(y[0] == Tensor::of(Dims{4}, std::span<const bool>({true, true, true, true})));
  CHECK(y[1] == words({"pearpear", ""}));
  CHECK(y[2] == words({"", "fig", "pear"}));
  CHECK(y[3] == integers({2, 0, 1, 2}));
  CHECK(y[4] == integers({4}));
}

TEST_CASE("numbers and strings are cast to each other") {
  Sketch s;
  s.tensor_input("x", TensorProto::STRING, {"?"});
  for (const auto& [name, type] : {std::pair{"f", TensorProto::FLOAT}, {"i", TensorProto::INT32}})
    add_attribute(s.node("Cast", {"x"}, {name}), "to", AttributeProto::INT).set_i(type);
  add_attribute(s.node("Cast", {"f"}, {"text"}), "to", AttributeProto::INT).set_i(8);
  for (const char* name : {"f", "i", "text"}) s.output(name);
  const auto y = s.run({words({"1.5", "-2e1", "+7"})});
  CHECK(y[0] == row({1.5F, -20, 7}));
  CHECK(y[1] == Tensor::of(Dims{3}, std::vector<int32_t>{1, -20, 7}));
  CHECK(y[2] == words({"1.5", "-20.0", "7.0"}));
}

TEST_CASE("4-bit elements move, packed before and after") {
  Sketch s;
  s.tensor_input("x", TensorProto::INT4, {"2", "3"});
  s.node("Transpose", {"x"}, {"y"});
  s.output("y");
  const auto packed = [](const Dims& dims, const std::vector<uint8_t>& bytes) {
    return Tensor::copy(DType::s4, dims, std::as_bytes(std::span<const uint8_t>(bytes)));
  };
  // [1 2 3; -4 -5 -6] turned.
  CHECK(s.run({packed({2, 3}, {0x21, 0xC3, 0xAB})})[0] == packed({3, 2}, {0xC1, 0xB2, 0xA3}));
}

TEST_CASE("a map of scores to names") {
  Sketch s;
  s.tensor_input("x", TensorProto::FLOAT, {"2", "2"});
  NodeProto& zip = s.node("ZipMap", {"x"}, {"y"});
  zip.set_domain("ai.onnx.ml");
  auto& labels = add_attribute(zip, "classlabels_strings", AttributeProto::STRINGS);
  labels.add_strings("cat");
  labels.add_strings("dog");
  s.output("y");
  const Tensor x = Tensor::of(Dims{2, 2}, std::vector<float>{1, 2, 3, 4});
  const Tensor names = words({"cat", "dog"});
  CHECK(s.run({x})[0] ==
        Tensor::list({Tensor::list({names, row({1, 2})}), Tensor::list({names, row({3, 4})})}));
}

TEST_CASE("a classifier of ai.onnx.ml gives names and scores") {
  Sketch s;
  s.tensor_input("x", TensorProto::FLOAT, {"2", "2"});
  NodeProto& node = s.node("LinearClassifier", {"x"}, {"label", "scores"});
  node.set_domain("ai.onnx.ml");
  auto& labels = add_attribute(node, "classlabels_strings", AttributeProto::STRINGS);
  for (const char* name : {"a", "b", "c"}) labels.add_strings(name);
  auto& weights = add_attribute(node, "coefficients", AttributeProto::FLOATS);
  for (const float w : {1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F}) weights.add_floats(w);
  auto& bias = add_attribute(node, "intercepts", AttributeProto::FLOATS);
  for (const float b : {0.0F, 0.5F, -1.0F}) bias.add_floats(b);
  for (const char* name : {"label", "scores"}) s.output(name);
  const auto y = s.run({Tensor::of(Dims{2, 2}, std::vector<float>{3, 1, -1, 2})});
  CHECK(y[0] == words({"a", "b"}));
  CHECK(y[1] == Tensor::of(Dims{2, 3}, std::vector<float>{3, 1.5F, 3, -1, 2.5F, 0}));
}

}  // namespace octet::testing
