#include "engine/ops/matmul.h"

#include "engine/passes/pass.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::MatMulAttrs;

namespace {

struct Case {
  const char* name;
  Dims a, b, out;
  bool constant = false;
};

// NumPy's matmul written out: batch axes broadcast one by one.
Tensor oracle(const Tensor& a, const Tensor& b, const Dims& out_dims) {
  Dims left = a.dims(), right = b.dims(), full = out_dims;
  if (right.size() == 1) {
    right.push_back(1);
    full.push_back(1);
  }
  if (left.size() == 1) {
    left.insert(left.begin(), 1);
    full.insert(full.end() - 1, 1);
  }
  const size_t rank = full.size();
  left.insert(left.begin(), rank - left.size(), 1);
  right.insert(right.begin(), rank - right.size(), 1);
  const int64_t m = full[rank - 2], n = full[rank - 1], depth = left[rank - 1];
  std::vector<float> out(static_cast<size_t>(checked_count(out_dims).value()));
  for (size_t i = 0; i < out.size(); ++i) {
    int64_t rest = static_cast<int64_t>(i) / (m * n), at_a = 0, at_b = 0, step_a = 1, step_b = 1;
    for (size_t d = rank - 2; d-- > 0;) {
      const int64_t index = rest % full[d];
      rest /= full[d];
      at_a += left[d] == 1 ? 0 : index * step_a;
      at_b += right[d] == 1 ? 0 : index * step_b;
      step_a *= left[d];
      step_b *= right[d];
    }
    const int64_t row = static_cast<int64_t>(i) / n % m, column = static_cast<int64_t>(i) % n;
    double sum = 0.0;
    for (int64_t k = 0; k < depth; ++k)
      sum += static_cast<double>(a.as<float>()[static_cast<size_t>((at_a * m + row) * depth + k)]) *
             b.as<float>()[static_cast<size_t>((at_b * depth + k) * n + column)];
    out[i] = static_cast<float>(sum);
  }
  return Tensor::of(out_dims, out);
}

const Case kCases[] = {
    {.name = "square", .a = {8, 16}, .b = {16, 32}, .out = {8, 32}, .constant = true},
    {.name = "tail", .a = {3, 7}, .b = {7, 17}, .out = {3, 17}, .constant = true},
    {.name = "one row", .a = {1, 65}, .b = {65, 33}, .out = {1, 33}, .constant = true},
    {.name = "one column", .a = {9, 5}, .b = {5, 1}, .out = {9, 1}, .constant = true},
    {.name = "no depth", .a = {2, 0}, .b = {0, 3}, .out = {2, 3}, .constant = true},
    {.name = "empty batch", .a = {0, 2, 4}, .b = {4, 3}, .out = {0, 2, 3}, .constant = true},
    {.name = "folded batch", .a = {2, 3, 5, 4}, .b = {4, 6}, .out = {2, 3, 5, 6}, .constant = true},
    {.name = "vectors", .a = {6}, .b = {6}, .out = {}},
    {.name = "vector left", .a = {6}, .b = {2, 6, 5}, .out = {2, 5}},
    {.name = "vector right", .a = {2, 3, 6}, .b = {6}, .out = {2, 3}},
    {.name = "attention", .a = {2, 4, 5, 8}, .b = {2, 4, 8, 7}, .out = {2, 4, 5, 7}},
    {.name = "broadcast left", .a = {1, 4, 5, 8}, .b = {2, 4, 8, 7}, .out = {2, 4, 5, 7}},
    {.name = "broadcast crossed", .a = {3, 1, 2, 4}, .b = {2, 4, 3}, .out = {3, 2, 2, 3}},
    {.name = "three levels", .a = {2, 1, 3, 2, 4}, .b = {2, 2, 1, 4, 3}, .out = {2, 2, 3, 2, 3}},
};

}  // namespace

TEST_CASE("MatMul: every row and instruction set against plain loops") {
  for (const Case& c : kCases) {
    INFO(c.name);
    const Tensor a = random_floats(c.a, 1);
    const Tensor b = random_floats(c.b, 2);
    const Tensor expected = oracle(a, b, c.out);
    for (const CpuToken cpu : all_tokens()) {
      NodeRunner node("MatMul", Attrs::of(MatMulAttrs{}));
      node.input(a);
      c.constant ? node.constant(b) : node.input(b);
      node.output();
      CHECK(node.rows(cpu).front() == "gemm_f32");
      CHECK(relative_difference(node.run("gemm_f32", cpu)[0], expected) < 1e-5);
      CHECK(node.info().kernel == "gemm_f32");
      CHECK(cpu.allows(node.info().isa));
      CHECK((cpu.isa() != Isa::avx2 || node.info().isa == Isa::avx2));
      CHECK(relative_difference(node.run("reference", cpu)[0], expected) < 1e-5);
    }
  }
}

TEST_CASE("MatMul: transposes, alpha, bias, activation and residual that fusion adds") {
  const Tensor a = random_floats({2, 6, 3}, 3);   // transposed: [2, 3, 6]
  const Tensor b = random_floats({2, 10, 6}, 4);  // transposed: [2, 6, 10]
  const Tensor bias = random_floats({10}, 5);
  const Tensor residual = random_floats({2, 3, 10}, 6);
  for (const auto place :
       {Epilogue::Residual::before_activation, Epilogue::Residual::after_activation}) {
    std::vector<float> expected(60);
    for (size_t n = 0; n < 2; ++n)
      for (size_t i = 0; i < 3; ++i)
        for (size_t j = 0; j < 10; ++j) {
          double v = 0.0;
          for (size_t k = 0; k < 6; ++k)
            v += static_cast<double>(a.as<float>()[(n * 6 + k) * 3 + i]) *
                 b.as<float>()[(n * 10 + j) * 6 + k];
          const size_t at = (n * 3 + i) * 10 + j;
          v = 0.5 * v + bias.as<float>()[j];
          const bool before = place == Epilogue::Residual::before_activation;
          if (before) v += residual.as<float>()[at];
          v = v / (1.0 + std::exp(-v));
          if (!before) v += residual.as<float>()[at];
          expected[at] = static_cast<float>(v);
        }
    NodeRunner node(
        "MatMul",
        Attrs::of(MatMulAttrs{.transpose_a = true,
                              .transpose_b = true,
                              .alpha = 0.5F,
                              .epilogue = {.activation = Activation::silu, .residual = place}}));
    node.input(a).input(b).constant(bias).input(residual).output();
    for (const CpuToken cpu : all_tokens())
      for (const char* row : {"gemm_f32", "reference"})
        CHECK(relative_difference(node.run(row, cpu)[0], Tensor::of({2, 3, 10}, expected)) < 1e-5);
  }
}

TEST_CASE("MatMul: a quantized constant is dequantized once for a float activation") {
  QuantType quant{.storage = DType::s8,
                  .scale = Tensor::of<float>({3}, std::vector<float>{0.1F, 0.2F, 0.3F}),
                  .zero_point = {},
                  .axis = 1};
  const Tensor codes = random_codes<int8_t>({4, 3}, 7);
  const Tensor a = random_floats({5, 4}, 8);
  NodeRunner node("MatMul", Attrs::of(MatMulAttrs{}));
  node.input(a).constant(codes, std::make_shared<const QuantType>(quant)).output();
  std::vector<float> real;
  for (size_t i = 0; i < 12; ++i)
    real.push_back(static_cast<float>(codes.as<int8_t>()[i]) * quant.scale.as<float>()[i % 3]);
  const Tensor expected = oracle(a, Tensor::of({4, 3}, real), {5, 3});
  CHECK(node.rows().front() == "gemm_f32");
  CHECK(relative_difference(node.run("gemm_f32")[0], expected) < 1e-5);
}

TEST_CASE("MatMul: integers, inference over symbols, macs and errors") {
  const Tensor a = Tensor::of<int32_t>({1, 2}, std::vector<int32_t>{3, -4});
  const Tensor b = Tensor::of<int32_t>({2, 1}, std::vector<int32_t>{5, 6});
  NodeRunner integers("MatMul", Attrs::of(MatMulAttrs{}));
  integers.input(a).input(b).output();
  CHECK(integers.rows() == std::vector<std::string>{"reference"});
  CHECK(integers.run("reference")[0].as<int32_t>()[0] == -9);

  Graph graph;
  const ValueId x = graph.add_input(
      "x", Type::tensor(DType::f32, Shape{Dim::symbol("batch"), Dim::symbol("frames"), 80}));
  const ValueId w = graph.add_constant("w", random_floats({80, 256}, 9));
  const ValueId y = graph.add_op(require_op("", "MatMul"), {x, w}, Attrs::of(MatMulAttrs{}), "y");
  REQUIRE(infer_graph(graph).ok());
  CHECK(graph.value(y).type.to_string() == "float[batch,frames,256]");
  const NodeId id = graph.value(y).producer;
  const Dim macs = *graph.node(id).op->macs(graph, graph.node(id));
  CHECK(macs == Dim::symbol("batch") * Dim::symbol("frames") * Dim(256 * 80));

  const ValueId bad = graph.add_constant("bad", random_floats({81, 2}, 10));
  graph.add_op(require_op("", "MatMul"), {x, bad}, Attrs::of(MatMulAttrs{}), "z");
  CHECK(!infer_graph(graph).ok());
}

namespace {

// MatMul by a constant, bias, factor and residual, as exporters write half a feed-forward block.
Graph half_step(float factor) {
  Graph graph;
  const auto op = [&](std::string_view name, std::vector<ValueId> inputs) {
    const OpDef& def = require_op("", name);
    return graph.add_op(def, std::move(inputs), *def.attrs.read(AttrMap{}, kMaxOpset),
                        graph.unique_name(std::string(name)));
  };
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{2, 3}));
  const ValueId residual = graph.add_input("residual", Type::tensor(DType::f32, Shape{2, 4}));
  const ValueId w = graph.add_constant("w", random_floats({3, 4}, 1));
  const ValueId b = graph.add_constant("b", Tensor::of({4}, std::vector<float>{1, 2, 3, 4}));
  const ValueId f = graph.add_constant("f", Tensor::of({}, std::vector<float>{factor}));
  const ValueId scaled = op("Mul", {op("Add", {op("MatMul", {x, w}), b}), f});
  graph.set_outputs({op("Add", {residual, scaled})});
  REQUIRE(infer_graph(graph).ok());
  REQUIRE(run_passes(graph, PassPhase::fusion).ok());
  return graph;
}

}  // namespace

TEST_CASE("MatMul: a factor behind the bias is taken when rounding commutes with it") {
  const Graph half = half_step(0.5F);
  REQUIRE(half.node_count() == 1);
  const Node& node = half.node(half.order()[0]);
  CHECK(node.attrs.as<ops::MatMulAttrs>().alpha == 0.5F);
  CHECK(half.constant(node.inputs[2])->to_float() == std::vector<float>{0.5F, 1, 1.5F, 2});
  CHECK(half_step(0.3F).node_count() == 3);
  CHECK(half_step(-0.5F).node_count() == 3);
}
