#include <map>

#include "engine/quant/quantize.h"
#include "kernels/half.h"
#include "tests/support/op_data.h"
#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::runtime;
using namespace octet::testing;

namespace {

using Ints = std::vector<int64_t>;

struct Writer {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  ValueId x = graph->add_input("x", Type::tensor(DType::f32, Shape{2, Dim::symbol("t"), 24}));
  ValueId op(const char* name, std::vector<ValueId> inputs, const AttrMap& attrs = {}) {
    return add(*graph, name, std::move(inputs), attrs, graph->unique_name(name).c_str());
  }
  ValueId constant(const Tensor& tensor) {
    return graph->add_constant(graph->unique_name("c"), tensor);
  }
  ValueId weights(const Dims& dims, unsigned seed) { return constant(random_floats(dims, seed)); }
  ValueId number(int64_t value) { return constant(Tensor::of({1}, Ints{value})); }
  std::shared_ptr<Graph> finish(const std::vector<ValueId>& outputs) {
    graph->set_outputs(outputs);
    REQUIRE(infer_graph(*graph).ok());
    return graph;
  }
};

using Steps = std::map<std::string, size_t, std::less<>>;

struct Run {
  std::vector<Tensor> outputs;
  Steps steps;  // by operator, those that ran
};

Run run(const Graph& graph, const Tensor& x, bool fuse) {
  CompileOptions options;
  options.provider = Provider::native;
  options.fuse = fuse;
  const auto program = Program::compile(graph.clone(), options);
  REQUIRE(program.ok());
  Run result;
  RunOptions watched;
  watched.profile = [&](const StepProfile& step) { ++result.steps[std::string(step.op)]; };
  auto outputs = (*program)->run(std::vector{x}, watched);
  REQUIRE(outputs.ok());
  result.outputs = *outputs;
  return result;
}

// The fused graph gives what the graph gives node by node, in floats and in codes. The fused steps.

std::vector<Steps> check(Graph& graph) {
  const std::vector<Tensor> samples = {random_floats({2, 19, 24}, 7)};
  std::vector<Steps> steps;
  for (const bool codes : {false, true}) {
    if (codes) REQUIRE(quant::quantize(graph, {}, {calibrate_with(samples)}).ok());
    const Run plain = run(graph, samples[0], false), fused = run(graph, samples[0], true);
    REQUIRE(fused.outputs.size() == plain.outputs.size());
    // The same rounding in floats: a few codes may fall on the other side of a tie.
    for (size_t i = 0; i < plain.outputs.size(); ++i)
      CHECK(relative_difference(fused.outputs[i], plain.outputs[i]) < (codes ? 0.02 : 5e-6));
    steps.push_back(fused.steps);
  }
  return steps;
}

}  // namespace

TEST_CASE("a product whose columns are read in slices becomes a product for each") {
  struct Case {
    const char* name;
    bool bias;
    std::vector<std::pair<int64_t, int64_t>> cuts;  // of 60 columns
    bool read_whole;
    size_t products;  // that run
  };
  for (const Case& test :
       {Case{"queries, keys and values", true, {{0, 20}, {20, 40}, {40, 60}}, false, 3},
        Case{"from behind, of several widths", false, {{-1, 60}, {3, 36}}, false, 2},
        Case{"columns that two slices read", true, {{0, 40}, {20, 60}}, false, 1},
        Case{"a product that is read as a whole, too", true, {{0, 20}, {20, 60}}, true, 1}}) {
    CAPTURE(std::string(test.name));
    Writer w;
    ValueId y = w.op("MatMul", {w.x, w.weights({24, 60}, 1)});
    if (test.bias) y = w.op("Add", {w.weights({60}, 2), y});
    std::vector<ValueId> outputs;
    for (const auto& [begin, end] : test.cuts)
      outputs.push_back(
          w.op("Sigmoid", {w.op("Slice", {y, w.number(begin), w.number(end), w.number(2)})}));
    if (test.read_whole) outputs.push_back(w.op("Sigmoid", {y}));
    for (Steps& steps : check(*w.finish(outputs))) {
      CHECK(steps["MatMul"] == test.products);
      CHECK(steps["Slice"] == (test.products > 1 ? 0 : test.cuts.size()));
    }
  }
}

TEST_CASE("convolutions of sequences by one tap run as products between Transposes") {
  struct Case {
    const char* name;
    int64_t taps;
    Ints strides, pads;  // of the first convolution
    int64_t group;
    bool read_whole;      // the last one's result, too
    size_t convolutions;  // that are left, of three
  };
  for (const Case& test :
       {Case{"one tap", 1, {1}, {0, 0}, 1, false, 1},
        Case{"one tap, and a reader besides the Transpose", 1, {1}, {0, 0}, 1, true, 2},
        Case{"one tap, a stride", 1, {2}, {0, 0}, 1, false, 2},
        Case{"one tap, padding", 1, {1}, {1, 0}, 1, false, 2},
        Case{"one tap, groups", 1, {1}, {0, 0}, 2, false, 2},
        Case{"three taps", 3, {1}, {1, 1}, 1, false, 2}}) {
    CAPTURE(std::string(test.name));
    // A conformer's module: the case's and a gate, one by channel, and one of one tap with a bias.
    Writer w;
    const ValueId channels = w.op("Transpose", {w.op("Sigmoid", {w.x})}, {{"perm", Ints{0, 2, 1}}});
    const ValueId first =
        w.op("Conv", {channels, w.weights({64, 24 / test.group, test.taps}, 1)},
             {{"strides", test.strides}, {"pads", test.pads}, {"group", test.group}});
    const ValueId kept =
        w.op("Split", {first}, {{"axis", int64_t{1}}, {"num_outputs", int64_t{2}}});
    const ValueId gate = w.graph->add_value("gate");
    w.graph->append_output(w.graph->value(kept).producer, gate);
    const ValueId gated = w.op("Mul", {kept, w.op("Sigmoid", {gate})});
    const ValueId second = w.op("Conv", {gated, w.weights({32, 1, 5}, 2)},
                                {{"pads", Ints{2, 2}}, {"group", int64_t{32}}});
    const ValueId third = w.op("Conv", {second, w.weights({24, 32, 1}, 3), w.weights({24}, 4)});
    std::vector<ValueId> outputs;
    for (const Ints& perm : {Ints{0, 2, 1}, Ints{2, 0, 1}})
      outputs.push_back(w.op("Sigmoid", {w.op("Transpose", {third}, {{"perm", perm}})}));
    if (test.read_whole) outputs.push_back(w.op("Exp", {third}));
    for (Steps& steps : check(*w.finish(outputs))) CHECK(steps["Conv"] == test.convolutions);
  }
}

TEST_CASE(
    "weights stored as halfs give the same bits whatever the rows before, and those of floats") {
  const Tensor w = random_floats({24, 60}, 1);
  std::vector<float> rounded = w.to_float();
  std::vector<Half> halfs;
  for (float& value : rounded) value = to_float(halfs.emplace_back(to_half(value)));
  const auto program_of = [](bool stored, const Tensor& weights) {
    Graph graph;
    const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("t"), 24}));
    ValueId b = graph.add_constant("w", weights);
    if (stored) b = add(graph, "Cast", {b}, {{"to", int64_t{1}}}, "wide");
    graph.set_outputs({add(graph, "MatMul", {x, b}, {}, "y")});
    const auto program = Program::compile(graph.clone(), {});
    REQUIRE(program.ok());
    return *program;
  };
  const auto bytes = std::as_bytes(std::span(halfs));
  const auto stored = program_of(true, Tensor::copy(DType::f16, w.dims(), bytes));
  const auto floats = program_of(false, Tensor::of(w.dims(), rounded));
  CHECK(stored->plan().steps[0].info.kernel == "gemm_f32_f16");
  for (const int64_t rows : {1, 1, 8, 1, 3, 3, 4, 2, 1, 9}) {
    CAPTURE(rows);
    const std::vector<Tensor> x = {random_floats({rows, 24}, static_cast<unsigned>(rows))};
    const auto actual = stored->run(x), expected = floats->run(x);
    REQUIRE((actual.ok() && expected.ok()));
    CHECK((*actual)[0] == (*expected)[0]);
  }
}
