#include "tests/support/dynamic_model.h"

using namespace octet;
using namespace octet::testing;

// The oracle of a fused chain is the same graph run node by node: results are the same bits.

namespace {

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
    const DynamicModel model(test.x, test.build, false);
    Dims dims;
    for (const Dim& d : test.x) dims.push_back(d.value());
    const Tensor x = random_floats(dims, 99, -3.0F, 2.0F);
    for (const CpuToken cpu : all_tokens()) {
      const auto chain = model.run(x, compile_options(cpu, false));
      std::string ops;
      const auto fused = model.run(x, compile_options(cpu), &ops);
      CHECK(fused == chain);
      CHECK(ops == std::string(test.ops));
    }
  }
}
