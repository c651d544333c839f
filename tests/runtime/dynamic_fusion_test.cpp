#include <doctest/doctest.h>

#include "engine/ops/conv.h"
#include "engine/ops/op.h"
#include "engine/quant/quantize.h"
#include "runtime/session/program.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::runtime;
using namespace octet::testing;

// The oracle of a fused chain is the same graph run node by node: results are the same bits.

namespace {

ValueId op(Graph& graph, std::string_view name, std::vector<ValueId> inputs,
           const AttrMap& attrs = {}) {
  const OpDef& def = require_op("", name);
  return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                      graph.unique_name(std::string(name)));
}

// What `build` makes of x, quantized dynamically by our quantizer.
struct Quantized {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  Quantized(const Shape& x, ValueId (*build)(Graph&, ValueId)) {
    const ValueId input = graph->add_input("x", Type::tensor(DType::f32, x));
    graph->set_outputs({build(*graph, input)});
    REQUIRE(infer_graph(*graph).ok());
    quant::QuantizeOptions options;
    options.mode = quant::Mode::dynamic;
    REQUIRE(quant::quantize(*graph, options, {}).ok());
  }
  // Outputs, and the operators of the steps that made them.
  std::vector<Tensor> run(const Tensor& x, bool fuse, CpuToken cpu,
                          std::string* ops = nullptr) const {
    CompileOptions options;
    options.fuse = fuse;
    options.cpu = cpu;
    options.threads = 2;
    const auto program = Program::compile(graph->clone(), options);
    REQUIRE(program.ok());
    RunOptions run_options;
    if (ops != nullptr)
      run_options.profile = [&](const StepProfile& step) {
        if (!step.op.empty()) ops->append(ops->empty() ? "" : " ").append(step.op);
      };
    auto outputs = (*program)->run(std::vector{x}, run_options);
    REQUIRE(outputs.ok());
    return std::move(outputs).value();
  }
};

ValueId linear(Graph& graph, ValueId x, int64_t k, int64_t n, unsigned seed) {
  const ValueId w = graph.add_constant(graph.unique_name("w"), random_floats({k, n}, seed));
  const ValueId bias = graph.add_constant(graph.unique_name("bias"), random_floats({n}, seed + 1));
  return op(graph, "Add", {op(graph, "MatMul", {x, w}), bias});
}

struct Case {
  const char* name;
  Shape x;
  ValueId (*build)(Graph&, ValueId);
  const char* ops;  // of the fused plan, in order
};

const Case kCases[] = {
    {"bias",
     {2, 5, 33},
     [](Graph& g, ValueId x) { return linear(g, x, 33, 19, 1); },
     "DynamicQuantizeLinear ScaledMatMul"},
    {"bias and clamp",
     {7, 33},
     [](Graph& g, ValueId x) { return op(g, "Relu", {linear(g, x, 33, 70, 2)}); },
     "DynamicQuantizeLinear ScaledMatMul"},
    {"activation and residual",
     {3, 24},
     [](Graph& g, ValueId x) {
       return op(g, "Add", {op(g, "Gelu", {linear(g, x, 24, 24, 3)}), x});
     },
     "DynamicQuantizeLinear ScaledMatMul"},
    {"one quantization, three products",
     {4, 24},
     [](Graph& g, ValueId x) {
       const ValueId q = linear(g, x, 24, 16, 4), k = linear(g, x, 24, 16, 5);
       return op(g, "Concat", {q, k, linear(g, x, 24, 16, 6)}, {{"axis", int64_t{1}}});
     },
     "DynamicQuantizeLinear ScaledMatMul ScaledMatMul ScaledMatMul Concat"},
    {"two activations",
     {3, 9, 9},
     [](Graph& g, ValueId x) {
       return op(g, "MatMul", {x, op(g, "Sigmoid", {x})});
     },
     "Sigmoid DynamicQuantizeLinear DynamicQuantizeLinear ScaledMatMul"},
    {"two activations and a bias",
     {3, 9, 9},
     [](Graph& g, ValueId x) {
       const ValueId bias = g.add_constant("bias", random_floats({9}, 12));
       return op(g, "Add", {op(g, "MatMul", {x, x}), bias});
     },
     "DynamicQuantizeLinear ScaledMatMul"},
    {"convolution",
     {2, 6, 9, 7},
     [](Graph& g, ValueId x) {
       const ValueId w = g.add_constant("w", random_floats({10, 6, 3, 3}, 7));
       const ValueId b = g.add_constant("b", random_floats({10}, 8));
       return op(g, "Relu",
                 {op(g, "Conv", {x, w, b}, {{"pads", std::vector<int64_t>{1, 1, 1, 1}}})});
     },
     "DynamicQuantizeLinear ScaledConv"},
    {"depthwise and an activation",
     {1, 20, 30},
     [](Graph& g, ValueId x) {
       const ValueId w = g.add_constant("w", random_floats({20, 1, 5}, 9));
       const ValueId b = g.add_constant("b", random_floats({20}, 10));
       return op(g, "HardSwish",
                 {op(g, "Conv", {x, w, b},
                     {{"pads", std::vector<int64_t>{2, 2}}, {"group", int64_t{20}}})});
     },
     "DynamicQuantizeLinear ScaledConv"},
    {"convolution and residual",
     {1, 8, 5, 5},
     [](Graph& g, ValueId x) {
       const ValueId w = g.add_constant("w", random_floats({8, 8, 1, 1}, 11));
       return op(g, "Relu", {op(g, "Add", {op(g, "Conv", {x, w}), x})});
     },
     "DynamicQuantizeLinear ScaledConv"},
};

}  // namespace

TEST_CASE("Dynamic products: one step each, the bits of the chain, on every instruction set") {
  for (const Case& test : kCases) {
    CAPTURE(std::string(test.name));
    const Quantized model(test.x, test.build);
    Dims dims;
    for (const Dim& d : test.x) dims.push_back(d.value());
    const Tensor x = random_floats(dims, 99, -3.0F, 2.0F);
    for (const CpuToken cpu : all_tokens()) {
      const auto chain = model.run(x, false, cpu);
      std::string ops;
      const auto fused = model.run(x, true, cpu, &ops);
      CHECK(fused[0] == chain[0]);
      CHECK(ops == std::string(test.ops));
    }
  }
}
