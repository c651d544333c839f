#include "tests/cli/program.h"

namespace octet::testing {
namespace {

constexpr int kUsage = 2;
constexpr int kBadInput = 3;

// y = relu(x v) w + b, whose inner channels differ much in size.
ModelProto uneven_model() {
  ModelProto model = product_model();
  GraphProto& graph = *model.mutable_graph();
  std::vector<float> up(16);
  std::vector<float> bias(64);
  for (size_t i = 0; i < up.size(); ++i)
    up[i] = static_cast<float>(static_cast<int>(i * 5 % 7) - 3) * (i % 4 == 1 ? 100.0F : 0.1F);
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(i) / 64.0F;
  *graph.add_initializer() = floats("v", {4, 4}, up);
  *graph.add_initializer() = floats("b", {64}, bias);
  graph.clear_node();
  add_node(graph, "MatMul", {"x", "v"}, {"p"});
  add_node(graph, "Relu", {"p"}, {"r"});
  add_node(graph, "MatMul", {"r", "w"}, {"q"});
  add_node(graph, "Add", {"q", "b"}, {"y"});
  return model;
}

// Samples in two folders, and both in one.
struct Parts {
  Workplace place{uneven_model()};

  Parts() {
    for (const char* folder : {"a", "b", "both"})
      std::filesystem::create_directory(place.path / folder);
    const std::string first = npy({2, 4}, {1, -2, 3, 4, 0.5F, 6, -7, 8});
    const std::string second = npy({1, 4}, {-9, 2, 0, 0.25F});
    write_npz(place.at("a/1.npz"), "x", first);
    write_npz(place.at("b/2.npz"), "x", second);
    write_npz(place.at("both/1.npz"), "x", first);
    write_npz(place.at("both/2.npz"), "x", second);
  }
  Outcome observe(const std::string& folder) const {
    return octet({"quantize", place.model(), "--calibration", place.at(folder), "--observe-only",
                  "-o", place.at(folder + ".obs")});
  }
};

TEST_CASE("observations of two machines, merged, give the model that all samples give") {
  const Parts parts;
  const Workplace& place = parts.place;
  for (const char* folder : {"a", "b", "both"}) expect(parts.observe(folder), 0, {});
  const struct {
    const char* name;
    std::vector<std::string> merging;
    std::vector<std::string> running;
  } cases[] = {
      {"ranges alone", {"--algorithms", "none"}, {"--algorithms", "none"}},
      {"what needs no samples", {}, {"--algorithms", "equalize,smooth_quant,bias_correction"}},
      {"with samples", {"--calibration", place.at("both")}, {}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto quantized = [&](const char* name, std::vector<std::string> arguments,
                               const std::vector<std::string>& more) {
      arguments.insert(arguments.begin(), {"quantize", place.model(), "-o", place.at(name),
                                           "--cost-model", "off", "--report", place.at("report")});
      arguments.insert(arguments.end(), more.begin(), more.end());
      expect(octet(arguments), 0, {});
      return read_file(place.path / name);
    };
    const std::string merged =
        quantized("merged.onnx", {"--merge", place.at("a.obs"), place.at("b.obs")}, c.merging);
    const std::string report = read_file(place.path / "report");
    CHECK((report.find("it needs samples") != std::string::npos) == c.merging.empty());
    CHECK(merged.size() > 200);
    CHECK(merged == quantized("whole.onnx", {"--merge", place.at("both.obs")}, c.merging));
    CHECK(merged == quantized("direct.onnx", {"--calibration", place.at("both")}, c.running));
    expect(octet({"compare", place.model(), place.at("merged.onnx"), "--inputs", place.at("both"),
                  "--min-sqnr", "30"}),
           0, {});
  }
}

TEST_CASE("observations that don't fit are refused, and nothing is written") {
  const Parts parts;
  const Workplace& place = parts.place;
  expect(parts.observe("a"), 0, {});
  place.write("broken.obs", "{\"format\": \"octet observations\", \"version\": 2}");
  place.write("other.onnx", product_model(32).SerializeAsString());
  const auto before = files_in(place.path);
  const std::string out = place.at("int8.onnx");
  expect(octet({"quantize", place.model(), "--merge", place.at("a.obs"), place.at("broken.obs"),
                "-o", out}),
         kBadInput, {"broken.obs"});
  expect(octet({"quantize", place.model(), "--merge", place.at("none.obs"), "-o", out}), kBadInput,
         {"none.obs"});
  expect(octet({"quantize", place.at("other.onnx"), "--merge", place.at("a.obs"), "-o", out}),
         kBadInput, {"another model"});
  expect(octet({"quantize", place.model(), "--merge", place.at("a.obs"), "--calibration",
                place.at("a"), "--observe-only", "-o", out}),
         kUsage, {"--merge"});
  expect(octet({"quantize", place.model(), "--observe-only", "-o", out}), kUsage,
         {"--observe-only", "--calibration"});
  expect(octet({"quantize", place.model(), "-o", out}), kUsage, {"--calibration"});
  CHECK(files_in(place.path) == before);
}

// One layer "l" as quantization-aware tools export it.
std::string ranges(const std::string& layer, const std::string& bits) {
  return "{\"" + layer + "\": {\"weight_bits\": " + bits +
         ", \"weight_scale\": 0.0075, \"weight_zero_point\": 0, \"input_bits\": 8, "
         "\"tracked_min_input\": -1.0, \"tracked_max_input\": 1.0}}";
}

TEST_CASE("a tool's ranges quantize without samples; those that don't fit are refused") {
  ModelProto model = product_model();
  model.mutable_graph()->mutable_initializer(0)->set_name("l.weight");
  model.mutable_graph()->mutable_node(0)->set_input(1, "l.weight");
  const Workplace place(model);
  write_npz(place.sample(), "x", npy({2, 4}, {1, -0.5F, 0.25F, 0.75F, -1, 0.1F, 0.9F, -0.3F}));
  place.write("good.json", ranges("l", "8"));
  place.write("unknown.json", ranges("m", "8"));
  place.write("broken.json", "{\"l\": ");
  const auto before = files_in(place.path);
  const auto quantize = [&](const std::string& file) {
    return octet({"quantize", place.model(), "--ranges", place.at(file), "-o", place.at("q.onnx")});
  };
  expect(quantize("unknown.json"), kBadInput, {"'m'"});
  expect(quantize("broken.json"), kBadInput, {});
  expect(quantize("none.json"), kBadInput, {"none.json"});
  CHECK(files_in(place.path) == before);
  expect(quantize("good.json"), 0, {});
  expect(octet({"compare", place.model(), place.at("q.onnx"), "--inputs", place.at("samples"),
                "--min-sqnr", "35"}),
         0, {});
}

}  // namespace
}  // namespace octet::testing
