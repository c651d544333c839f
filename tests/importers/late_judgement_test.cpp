#include "tests/importers/proto_builder.h"
#include "tests/importers/run_model.h"

// What a model leaves to the run, and what a run must not take from it.

namespace octet::testing {
namespace {

Result<std::vector<Tensor>> run(const ModelProto& model, const std::vector<Tensor>& inputs,
                                runtime::RunOptions options = {}) {
  const std::string bytes = model.SerializeAsString();
  OCTET_ASSIGN(const Model imported, import_model(std::as_bytes(std::span<const char>(bytes)), {}));
  runtime::CompileOptions compile;
  compile.provider = runtime::Provider::native;
  compile.threads = 1;
  OCTET_ASSIGN(const auto program, runtime::Program::compile(imported.graph->clone(), compile));
  return program->run(inputs, options);
}

Tensor integers(const std::vector<int64_t>& values) {
  return Tensor::of(Dims{static_cast<int64_t>(values.size())}, values);
}

ModelProto with_inputs(const std::vector<std::pair<const char*, Names>>& integer_inputs,
                       const Names& x_dims) {
  ModelProto model = empty_model();
  ValueInfoProto& x = *model.mutable_graph()->mutable_input(0);
  x.clear_type();
  set_info(x, "x", x_dims);
  for (const auto& [name, dims] : integer_inputs)
    set_info(*model.mutable_graph()->add_input(), name, dims, TensorProto::INT64);
  model.mutable_graph()->mutable_output(0)->clear_type();
  return model;
}

}  // namespace

TEST_CASE("axes that only the run knows are judged though the result's dims are known without") {
  ModelProto reduce = with_inputs({{"axes", {"2"}}}, {});
  add_node(*reduce.mutable_graph(), "ReduceSum", {"x", "axes"}, {"y"});
  const auto reduced = run(reduce, {Tensor::scalar(1.0F), integers({3, 0})});
  REQUIRE(!reduced.ok());
  CHECK(reduced.error().code == ErrorCode::invalid_data);
  CHECK(reduced.error().message.find("axis 3 is outside rank 0") != std::string::npos);

  ModelProto slice = with_inputs({{"starts", {"1"}}, {"ends", {"1"}}, {"axes", {"1"}}}, {});
  add_node(*slice.mutable_graph(), "Slice", {"x", "starts", "ends", "axes"}, {"y"});
  CHECK(!run(slice, {Tensor::scalar(1.0F), integers({0}), integers({1}), integers({0})}).ok());

  ModelProto pad = with_inputs({{"pads", {"4"}}}, {});
  add_node(*pad.mutable_graph(), "Pad", {"x", "pads"}, {"y"});
  CHECK(!run(pad, {Tensor::scalar(1.0F), integers({1, 1, 1, 1})}).ok());
}

TEST_CASE("frames further apart than a signal is long are one frame, however far") {
  ModelProto model = with_inputs({{"step", {}}, {"length", {}}}, {"1", "8", "1"});
  add_node(*model.mutable_graph(), "STFT", {"x", "step", "", "length"}, {"y"});
  const Tensor x = Tensor::of(Dims{1, 8, 1}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
  const auto frames = [&](int64_t step) {
    const auto y = run(model, {x, Tensor::scalar(step), Tensor::scalar<int64_t>(4)});
    REQUIRE_MESSAGE(y.ok(), y.error().message);
    return (*y)[0];
  };
  CHECK(frames(int64_t{1} << 62) == frames(100));
  CHECK(frames(100).dims() == Dims{1, 1, 3, 2});
}

TEST_CASE("results that nobody names are made, and are still that many when they are written") {
  ModelProto model = empty_model();
  model.mutable_graph()->mutable_output(0)->clear_type();
  add_node(*model.mutable_graph(), "Split", {"x"}, {"", "y", ""});
  const std::string bytes = model.SerializeAsString();
  const auto imported = import_model(std::as_bytes(std::span<const char>(bytes)), {});
  REQUIRE_MESSAGE(imported.ok(), imported.error().message);
  const Node& split = imported->graph->node(imported->graph->order().front());
  REQUIRE(split.outputs.size() == 3);
  for (size_t i = 0; i < 3; ++i) CHECK(split.has_output(i));
}

}  // namespace octet::testing
