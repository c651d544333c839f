// Graphs as quantization-aware training leaves them. The oracle is the graph itself, node by node
// in float: its integer form must give the same numbers, but for a code where x lies between two.
#include "engine/passes/fake_quant_grid.h"
#include "engine/passes/pass.h"
#include "engine/quant/prequantized.h"
#include "tests/support/quant_runner.h"

using namespace octet;
using namespace octet::testing;

namespace {

constexpr int64_t kInputs = 37;
constexpr int64_t kOutputs = 11;

// A graph under construction; values are named by number.
struct Build {
  Graph graph;
  int next = 0;

  ValueId number(float value) {
    return graph.add_constant("c" + std::to_string(next++), Tensor::scalar(value));
  }
  ValueId op(const char* name, std::vector<ValueId> inputs, const AttrMap& attrs = {}) {
    return add(graph, name, std::move(inputs), attrs, ("v" + std::to_string(next++)).c_str());
  }
  ValueId with(const char* name, ValueId x, float value) { return op(name, {x, number(value)}); }
  ValueId clip(ValueId x, float low, float high) {
    return op("Clip", {x, number(low), number(high)});
  }
};

// round(clip(x / s)) s, as LSQ writes it.
ValueId learned_step(Build& b, ValueId x, float step, float low, float high) {
  return b.with("Mul", b.op("Round", {b.clip(b.with("Div", x, step), low, high)}), step);
}

// round(n clip(x / span + offset)) / n, and back, as DoReFa's activations are written.
ValueId unit_clip(Build& b, ValueId x, float last, float span, float zero) {
  const float offset = zero / last;
  const ValueId unit = b.clip(b.with("Add", b.with("Div", x, span), offset), 0.0F, 1.0F);
  const ValueId codes = b.op("Round", {b.with("Mul", unit, last)});
  return b.with("Mul", b.with("Sub", b.with("Div", codes, last), offset), span);
}

// Zero point, rounding, clip: what affine tools write.
ValueId affine(Build& b, ValueId x, float scale, float zero) {
  const ValueId codes = b.op("Round", {b.with("Add", b.with("Mul", x, 1.0F / scale), zero)});
  return b.with("Mul", b.with("Sub", b.clip(codes, 0.0F, 255.0F), zero), scale);
}

// c (2 round(n (tanh w / (2 max |tanh w|) + 1/2)) / n - 1)
ValueId tanh_weight(Build& b, ValueId w, float last, float largest) {
  const ValueId bounded = b.op("Tanh", {w});
  const ValueId most = b.op("ReduceMax", {b.op("Abs", {bounded})}, {{"keepdims", int64_t{0}}});
  const ValueId unit = b.with("Add", b.op("Div", {bounded, b.with("Mul", most, 2.0F)}), 0.5F);
  const ValueId codes = b.op("Round", {b.with("Mul", unit, last)});
  const ValueId doubled = b.with("Mul", b.with("Div", codes, last), 2.0F);
  return b.with("Mul", b.with("Sub", doubled, 1.0F), largest);
}

Tensor scaled(Dims dims, unsigned seed, float factor) {
  const Tensor tensor = random_tensor(std::move(dims), seed);
  std::vector<float> values;
  for (const float v : tensor.as<float>()) values.push_back(factor * v);
  return Tensor::of(tensor.dims(), values);
}

struct Form {
  const char* name;
  ValueId (*activation)(Build& b, ValueId x);
  ValueId (*weight)(Build& b, ValueId w);
  DType codes;  // Of the weights, once stored.
};

constexpr Form kForms[] = {
    {"LSQ, 8 bits", [](Build& b, ValueId x) { return learned_step(b, x, 0.02F, -128, 127); },
     [](Build& b, ValueId w) { return learned_step(b, w, 0.005F, -128, 127); }, DType::s8},
    {"LSQ, 4 bits", [](Build& b, ValueId x) { return learned_step(b, x, 0.31F, -8, 7); },
     [](Build& b, ValueId w) { return learned_step(b, w, 0.06F, -8, 7); }, DType::s4},
    {"DoReFa, 8 bits", [](Build& b, ValueId x) { return unit_clip(b, x, 255, 8, 128); },
     [](Build& b, ValueId w) { return tanh_weight(b, w, 255, 0.7F); }, DType::s8},
    {"DoReFa, 4 bits", [](Build& b, ValueId x) { return unit_clip(b, x, 15, 8, 8); },
     [](Build& b, ValueId w) { return tanh_weight(b, w, 15, 0.7F); }, DType::s4},
    {"asymmetric, unsigned", [](Build& b, ValueId x) { return affine(b, x, 0.021F, 114); },
     [](Build& b, ValueId w) { return affine(b, w, 0.0039F, 162); }, DType::u8},
};

// x → quantized → product with quantized weights → Relu, as "Gemm" (of transposed weights, with a
// bias) or "MatMul".
std::shared_ptr<Graph> layer(const Form& form, const std::string& op) {
  Build b;
  const ValueId x =
      b.graph.add_input("x", Type::tensor(DType::f32, Shape{Dim::symbol("n"), kInputs}));
  const bool gemm = op == "Gemm";
  const Dims dims = gemm ? Dims{kOutputs, kInputs} : Dims{kInputs, kOutputs};
  const ValueId w = form.weight(b, b.graph.add_constant("w", scaled(dims, 2, 0.2F)));
  std::vector<ValueId> inputs = {form.activation(b, x), w};
  if (gemm) inputs.push_back(b.graph.add_constant("bias", random_tensor({kOutputs}, 3)));
  const AttrMap attrs = gemm ? AttrMap{{"transB", int64_t{1}}} : AttrMap{};
  const ValueId product = b.op(op.c_str(), inputs, attrs);
  b.graph.set_outputs({b.op("Relu", {product}), product});
  REQUIRE(infer_graph(b.graph).ok());
  return b.graph.clone();
}

// Rows on no tie: a third of the way between codes of every form would still be near; random
// numbers are.
Tensor rows() { return random_tensor({9, kInputs}, 7); }

size_t integer_products(const runtime::Program& program) {
  size_t count = 0;
  for (const auto& step : program.plan().steps)
    count += step.info.kernel.find("_s8") != std::string::npos ? 1 : 0;
  return count;
}

void check_near(const Tensor& want, const Tensor& got) {
  REQUIRE(want.dims() == got.dims());
  for (size_t i = 0; i < want.count(); ++i)
    CHECK(static_cast<double>(got.as<float>()[i]) ==
          doctest::Approx(static_cast<double>(want.as<float>()[i])).epsilon(1e-4).scale(1.0));
}

}  // namespace

TEST_CASE(
    "products of simulated quantization run on int8 kernels and give the simulation's numbers") {
  for (const Form& form : kForms)
    for (const char* op : {"Gemm", "MatMul"}) {
      CAPTURE(form.name);
      CAPTURE(op);
      const auto graph = layer(form, op);
      runtime::CompileOptions options;
      options.fuse = false;
      const auto simulated = runtime::Program::compile(graph->clone(), options);
      const auto integer = runtime::Program::compile(graph->clone(), {});
      REQUIRE(simulated.ok());
      REQUIRE(integer.ok());
      CHECK(integer_products(**simulated) == 0);
      CHECK(integer_products(**integer) == 1);
      const auto want = (*simulated)->run(std::vector{rows()});
      const auto got = (*integer)->run(std::vector{rows()});
      REQUIRE(want.ok());
      REQUIRE(got.ok());
      for (size_t i = 0; i < want->size(); ++i) check_near((*want)[i], (*got)[i]);
    }
}

TEST_CASE("quantizing such a model takes no samples, stores its codes and keeps its numbers") {
  for (const Form& form : kForms) {
    CAPTURE(form.name);
    const auto real = layer(form, "Gemm");
    const auto graph = real->clone();
    REQUIRE(run_passes(*graph, PassPhase::portable).ok());
    CHECK(quant::comes_quantized(*graph));
    const auto report = quant::quantize(*graph, {}, {});
    REQUIRE(report.ok());
    REQUIRE(report->nodes.size() == 1);
    CHECK(report->nodes[0].outcome == "int8");
    size_t stored = 0;
    for (const NodeId id : graph->order())
      for (const ValueId input : graph->node(id).inputs)
        if (const Tensor* codes = graph->constant(input);
            codes != nullptr && codes->count() == kInputs * kOutputs) {
          CHECK(codes->dtype() == form.codes);
          ++stored;
        }
    CHECK(stored == 1);
    check_near(result_of(*real, rows(), false), result_of(*graph, rows(), false));
    check_near(result_of(*real, rows(), false), result_of(*graph, rows()));
  }
}

TEST_CASE("numbers stay what they are; rounding without the limits of a byte isn't taken") {
  struct Case {
    const char* name;
    ValueId (*make)(Build& b, ValueId x);
    bool taken;  // As rounding to whole numbers, what lies outside as it was.
  };
  constexpr Case kCases[] = {
      {"without limits",
       [](Build& b, ValueId x) { return b.with("Mul", b.op("Round", {b.with("Div", x, 2)}), 2); },
       false},
      {"another factor behind it",
       [](Build& b, ValueId x) {
         return b.with("Mul", b.op("Round", {b.clip(b.with("Div", x, 2), -8, 7)}), 3);
       },
       true},
      {"another offset behind it",
       [](Build& b, ValueId x) {
         return b.with("Add", b.op("Round", {b.clip(b.with("Sub", x, 1), -8, 7)}), 2);
       },
       true},
      {"a zero between codes",
       [](Build& b, ValueId x) {
         return b.with("Sub", b.op("Round", {b.clip(b.with("Add", x, 0.5F), 0, 9)}), 0.5F);
       },
       true},
      {"more codes than a byte has",
       [](Build& b, ValueId x) {
         return b.with("Mul", b.op("Round", {b.clip(b.with("Div", x, 0.01F), 0, 300)}), 0.01F);
       },
       false},
      {"a product of two values",
       [](Build& b, ValueId x) {
         return b.op("Round", {b.clip(b.op("Mul", {x, x}), 0, 0.5F)});
       },
       true},
  };
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    Build b;
    const ValueId x = b.graph.add_input("x", Type::tensor(DType::f32, Shape{4, 5}));
    b.graph.set_outputs({b.op("Neg", {c.make(b, x)})});
    REQUIRE(infer_graph(b.graph).ok());
    const auto graph = b.graph.clone();
    REQUIRE(run_passes(*graph, PassPhase::portable).ok());
    size_t taken = 0;
    for (const NodeId id : graph->order())
      taken += graph->node(id).op->name == "QuantizeLinear" ? 1 : 0;
    CHECK(taken == (c.taken ? 1 : 0));
    const Tensor sample = scaled({4, 5}, 1, 5.0F);
    check_near(result_of(b.graph, sample, false), result_of(*graph, sample, false));
  }
}

TEST_CASE("weights on a grid are found, whatever their scale and zero point; others aren't") {
  using passes::find_grid;
  CHECK_FALSE(find_grid(random_tensor({20, 30}, 1), 0).has_value());
  // Codes and scales of each output; the numbers that they stand for must come back.
  for (const int bits : {2, 4, 8})
    for (const float zero : {0.0F, 1.0F, 1.5F, 2.25F}) {
      CAPTURE(bits);
      CAPTURE(zero);
      std::mt19937 random(3);
      std::uniform_int_distribution<int> code(0, (1 << bits) - 1);
      std::vector<float> values;
      for (int o = 0; o < 4; ++o)
        for (int i = 0; i < 50; ++i)
          values.push_back((static_cast<float>(code(random)) - zero) * 0.013F *
                           static_cast<float>(o + 1) * (o == 3 ? 0.77F : 1.0F));
      const auto grid = find_grid(Tensor::of(Dims{4, 50}, values), 0);
      REQUIRE(grid.has_value());
      const auto codes = grid->codes.to_int64();
      const auto scales = grid->scale.to_float();
      const auto zeros = grid->zero_point.to_int64();
      for (size_t i = 0; i < values.size(); ++i) {
        const size_t o = scales.size() == 1 ? 0 : i / 50;
        double real = static_cast<double>(codes[i] - (zeros.empty() ? 0 : zeros[o])) *
                      static_cast<double>(scales[o]);
        if (!grid->offsets.empty()) real += static_cast<double>(grid->offsets[o]);
        CHECK(real == doctest::Approx(static_cast<double>(values[i])).epsilon(1e-4));
      }
    }
}
