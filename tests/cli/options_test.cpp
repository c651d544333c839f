#include "tests/cli/program.h"

namespace octet::testing {
namespace {

constexpr int kUsage = 2;
constexpr int kLimit = 4;

struct Usage {
  std::string name;
  std::vector<std::string> arguments;  // after "quantize MODEL -o OUT --mode dynamic"
  std::vector<std::string> says;
};

// An instruction set that no machine has beside this one's.
#if defined(__x86_64__)
constexpr const char* kForeignIsa = "neon";
#else
constexpr const char* kForeignIsa = "avx2";
#endif

TEST_CASE("what makes no sense is a usage error that names it") {
  const std::vector<Usage> cases = {
      {"excluded node", {"--exclude", "nowhere"}, {"model.onnx", "no node 'nowhere'"}},
      {"instruction set", {"--isa", "mmx"}, {"mmx"}},
      {"another machine's", {"--isa", kForeignIsa}, {"lacks the instruction set", kForeignIsa}},
      {"provider", {"--provider", "nobody"}, {"nobody"}},
      {"mode", {"--mode", "perfect"}, {"perfect"}},
      {"flag", {"--faster"}, {"--faster"}},
      {"deadline", {"--deadline", "-5"}, {"--deadline"}},
      {"deadline text", {"--deadline", "soon"}, {"--deadline"}},
      {"memory", {"--memory", "0"}, {"--memory"}},
      {"threads", {"--threads", "many"}, {"--threads"}},
      {"log level", {"--log-level", "chatty"}, {"chatty"}},
  };
  for (const Usage& c : cases) {
    CAPTURE(c.name);
    const Workplace place(product_model());
    const auto before = files_in(place.path);
    std::vector<std::string> arguments = {"quantize",         place.model(),   "-o",
                                          place.at("o.onnx"), "--calibration", place.at("samples")};
    arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
    expect(octet(arguments), kUsage, c.says);
    CHECK(files_in(place.path) == before);
  }
  expect(octet({}), kUsage, {"subcommand"});
  expect(octet({"frob"}), kUsage, {"subcommand"});
  expect(octet({"run"}), kUsage, {"MODEL"});
  const Workplace place(product_model());
  expect(octet({"quantize", place.model(), "-o", place.at("o.onnx")}), kUsage, {"--calibration"});
}

TEST_CASE("a deadline ends every long verb with its exit code") {
  const Workplace place(slow_model());
  const std::vector<std::string> deadline = {"--deadline", "300"};
  const std::vector<std::vector<std::string>> verbs = {
      {"run", place.model(), "--inputs", place.sample(), "--output-dir", place.at("out")},
      {"quantize", place.model(), "-o", place.at("o.onnx"), "--calibration", place.at("samples")},
      {"compare", place.model(), place.model(), "--inputs", place.at("samples")},
      {"bench", place.model(), "--seconds", "1000"},
  };
  const auto before = files_in(place.path);
  for (auto verb : verbs) {
    CAPTURE(verb[0]);
    verb.insert(verb.end(), deadline.begin(), deadline.end());
    expect(octet(verb), kLimit,
           {verb[0] == "quantize" || verb[0] == "compare" ? "a.npz" : "model.onnx", "Loop_1"});
  }
  CHECK(files_in(place.path) == before);
  // Many short runs.
  place.write("model.onnx", product_model().SerializeAsString());
  expect(octet({"bench", place.model(), "--seconds", "1000", "--deadline", "300"}), kLimit,
         {"model.onnx"});
}

TEST_CASE("a deadline ends a conformance run") {
  const Workplace place(slow_model());
  const auto set = place.path / "case" / "test_data_set_0";
  std::filesystem::create_directories(set);
  std::filesystem::rename(place.path / "model.onnx", place.path / "case" / "model.onnx");
  place.write("case/test_data_set_0/input_0.pb",
              floats("x", {1, 4}, {1, 2, 3, 4}).SerializeAsString());
  expect(octet({"conformance", place.path.string(), "--deadline", "300"}), kLimit,
         {"case", "deadline of 300 ms"});
}

TEST_CASE("--memory refuses what doesn't fit, naming it and its size") {
  // 4 x 500,000 floats are 8 MB in a mapped file of their own, and as many again when packed.
  ModelProto wide = product_model(500000);
  TensorProto& weights = *wide.mutable_graph()->mutable_initializer(0);
  const std::string elements = weights.raw_data();
  make_external(weights, "w.data", 0);
  const Workplace large(wide);
  large.write("w.data", elements);
  for (const auto& verb :
       std::vector<std::vector<std::string>>{{"info", large.model()},
                                             {"run", large.model(), "--inputs", large.sample()},
                                             {"bench", large.model()},
                                             {"quantize", large.model(), "-o", large.at("o.onnx"),
                                              "--calibration", large.at("samples")}}) {
    CAPTURE(verb[0]);
    auto limited = verb;
    limited.insert(limited.end(), {"--memory", "4"});
    expect(octet(limited), kLimit, {"MatMul 'MatMul_1'", "memory limit of 4000000 bytes"});
  }
  CHECK(files_in(large.path) == Names{"model.onnx", "samples", "w.data"});
  expect(octet({"run", large.model(), "--inputs", large.sample(), "--memory", "100"}), 0, {});

  // Elements that must be decoded.
  ModelProto typed = product_model(500000);
  TensorProto& decoded = *typed.mutable_graph()->mutable_initializer(0);
  decoded.clear_raw_data();
  decoded.set_data_type(TensorProto::FLOAT16);
  for (int i = 0; i < 2000000; ++i) decoded.add_int32_data(0x3C00);
  const Workplace halfs(typed);
  expect(octet({"info", halfs.model(), "--memory", "3"}), kLimit,
         {"model.onnx", "tensor 'w'", "4000000 bytes more"});

  // Values of a run: y is 2^20 times x.
  ModelProto growing = empty_model();
  GraphProto& graph = *growing.mutable_graph();
  TensorProto& repeats = *graph.add_initializer();
  repeats.set_name("repeats");
  repeats.set_data_type(TensorProto::INT64);
  repeats.add_dims(2);
  repeats.add_int64_data(int64_t{1} << 20);
  repeats.add_int64_data(1);
  add_node(graph, "Tile", {"x", "repeats"}, {"t"});
  add_node(graph, "Exp", {"t"}, {"e"});
  add_node(graph, "ReduceSum", {"e"}, {"y"});
  graph.mutable_output(0)->Clear();
  set_info(*graph.mutable_output(0), "y", {"1", "1"});
  const Workplace tiled(growing);
  const std::vector<std::string> run = {"run", tiled.model(), "--inputs", tiled.sample(),
                                        "--memory"};
  auto small = run;
  small.push_back("8");
  expect(octet(small), kLimit, {"Tile 'Tile_1'", "memory limit of 8000000 bytes"});
  auto enough = run;
  enough.push_back("200");
  expect(octet(enough), 0, {});

  // A sample that is larger than the limit itself.
  const Workplace sample(product_model());
  write_npz(sample.sample(), "x", npy({500000, 4}, std::vector<float>(2000000, 1.0F)));
  expect(octet({"run", sample.model(), "--inputs", sample.sample(), "--memory", "4"}), kLimit,
         {"a.npz", "memory limit of 4000000 bytes"});
}

TEST_CASE("the log goes to stderr, and only as much as was asked for") {
  const Workplace place(product_model());
  const std::vector<std::string> run = {"run", place.model(), "--inputs", place.sample()};
  const Outcome plain = octet(run);
  CHECK(plain.code == 0);
  CHECK(plain.err.empty());
  const auto at_level = [&](const char* level) {
    auto arguments = run;
    arguments.insert(arguments.end(), {"--log-level", level});
    const Outcome outcome = octet(arguments);
    CHECK(outcome.code == 0);
    CHECK(outcome.out == plain.out);
    return outcome.err;
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(at_level("warning").empty());
  const std::string info = at_level("info");
  CHECK(has(info, "info: imported IR 10"));
  CHECK(!has(info, "debug:"));
  const std::string debug = at_level("debug");
  CHECK(has(debug, "debug: MatMul 'MatMul_1': gemm"));
  CHECK(!has(debug, "trace:"));
  CHECK(has(at_level("trace"), "trace: a binding for [2,4]: arena"));
}

}  // namespace
}  // namespace octet::testing
