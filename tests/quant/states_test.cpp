#include <doctest/doctest.h>

#include <set>

#include "engine/ops/common/recurrent.h"
#include "engine/quant/named_options.h"
#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;
using runtime::Program;

namespace {

constexpr int64_t kInputs = 12, kHidden = 20;

// x → LSTM → GRU over the LSTM's states; the GRU has no name.
std::shared_ptr<Graph> network() {
  auto graph = std::make_shared<Graph>();
  const ValueId x =
      graph->add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), 1, kInputs}));
  const auto weights = [&](const char* name, int64_t rows, int64_t columns, unsigned seed) {
    return graph->add_constant(name, random_tensor({1, rows, columns}, seed));
  };
  const ValueId lstm =
      add(*graph, "LSTM",
          {x, weights("w", 4 * kHidden, kInputs, 1), weights("r", 4 * kHidden, kHidden, 2)},
          {{"hidden_size", kHidden}}, "h");
  graph->node(graph->value(lstm).producer).name = "lstm";
  const ValueId axes =
      graph->add_constant("axes", Tensor::of<int64_t>({1}, std::vector<int64_t>{1}));
  const ValueId rows = add(*graph, "Squeeze", {lstm, axes}, {}, "rows");
  const ValueId gru =
      add(*graph, "GRU",
          {rows, weights("w1", 3 * kHidden, kHidden, 3), weights("r1", 3 * kHidden, kHidden, 4)},
          {{"hidden_size", kHidden}}, "y");
  graph->node(graph->value(gru).producer).name.clear();
  graph->set_outputs({gru});
  REQUIRE(infer_graph(*graph).ok());
  return graph;
}

std::map<std::string, int64_t> bits_of(const Graph& graph) {
  std::map<std::string, int64_t> bits;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (ops::recurrent::is_recurrent(node))
      bits[node.name] = ops::recurrent::attrs_of(node).state_bits;
  }
  return bits;
}

}  // namespace

TEST_CASE("int8 recurrences get the states that were asked for, float ones none") {
  const std::vector<Tensor> samples = {random_tensor({9, 1, kInputs}, 5)};
  const Tensor real = result_of(*network(), samples[0]);
  for (const char* mode : {"static", "dynamic"})
    for (const bool leaves_one : {false, true}) {
      CAPTURE(mode);
      CAPTURE(leaves_one);
      quant::QuantizeOptions options;
      REQUIRE(quant::set_option(options, "mode", mode).ok());
      REQUIRE(quant::set_option(options, "states", "8").ok());
      if (leaves_one) options.exclude = {"lstm"};
      const auto graph = network();
      const auto report = quant::quantize(*graph, options, {calibrate_with(samples)});
      REQUIRE_MESSAGE(report.ok(), report.error().message);
      CHECK(bits_of(*graph) ==
            std::map<std::string, int64_t>{{"lstm", leaves_one ? 16 : 8}, {"y", 8}});
      for (const auto& row : report->nodes) {
        CAPTURE(row.op);
        CHECK((row.reason.find(", states of 8 bits") != std::string::npos) ==
              (row.outcome == "int8"));
      }
      const auto program = Program::compile(graph->clone(), {});
      REQUIRE(program.ok());
      std::multiset<std::string> kernels;
      for (const auto& step : (*program)->plan().steps)
        if (step.info.kernel.find("lstm") == 0 || step.info.kernel.find("gru") == 0)
          kernels.insert(step.info.kernel);
      CHECK(kernels ==
            std::multiset<std::string>{leaves_one ? "lstm_f32" : "lstm_s8_bytes", "gru_s8_bytes"});
      CHECK(sqnr(real, result_of(*graph, samples[0])) > 25.0);
    }
}

TEST_CASE("states have 16 bits unless 8 are asked for, and no others") {
  const std::vector<Tensor> samples = {random_tensor({9, 1, kInputs}, 5)};
  const auto graph = network();
  REQUIRE(quant::quantize(*graph, {}, {calibrate_with(samples)}).ok());
  CHECK(bits_of(*graph) == std::map<std::string, int64_t>{{"lstm", 16}, {"", 16}});
  quant::QuantizeOptions options;
  const auto status = quant::set_option(options, "states", "4");
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message == "states can't be '4': 8, 16");
}
