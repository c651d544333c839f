#include "engine/ops/common/fused_attention.h"

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::FusedAttentionAttrs;

namespace {

struct Case {
  const char* name;
  Dims q, k, v;     // as stored
  Dims bias, mask;  // empty: absent
  FusedAttentionAttrs attrs;
  Dims out;
};

const Case kCases[] = {
    {"one matrix", {5, 7}, {7, 9}, {9, 3}, {}, {}, {}, {5, 3}},
    {"heads inside, as exporters split them",
     {2, 33, 4, 36},
     {2, 40, 4, 36},
     {2, 40, 4, 20},
     {},
     {2, 1, 1, 40},
     {.q_perm = {0, 2, 1, 3},
      .k_perm = {0, 2, 3, 1},
      .v_perm = {0, 2, 1, 3},
      .out_perm = {0, 2, 1, 3},
      .alpha = 1.0F / 6.0F},
     {2, 33, 4, 20}},
    {"time first",
     {17, 6, 8},
     {21, 6, 8},
     {21, 6, 8},
     {},
     {6, 1, 21},
     {.q_perm = {1, 0, 2}, .k_perm = {1, 2, 0}, .v_perm = {1, 0, 2}, .out_perm = {1, 0, 2}},
     {17, 6, 8}},
    {"relative positions, then the scale, then a mask",
     {2, 3, 19, 16},
     {2, 3, 16, 31},
     {2, 3, 31, 16},
     {2, 3, 19, 31},
     {19, 31},
     {.alpha = 0.5F, .beta = 0.25F},
     {2, 3, 19, 16}},
    {"operands that repeat",
     {4, 1, 6, 5},
     {1, 3, 5, 8},
     {4, 3, 8, 2},
     {6, 1},
     {},
     {},
     {4, 3, 6, 2}},
    {"tiles and their tail", {1, 300, 8}, {1, 8, 700}, {1, 700, 5}, {}, {}, {}, {1, 300, 5}},
    {"one query of many heads, memory shared by rows",
     {9, 4, 1, 36},
     {1, 4, 36, 25},
     {1, 4, 25, 36},
     {},
     {9, 1, 1, 25},
     {.alpha = 1.0F / 6.0F},
     {9, 4, 1, 36}},
    {"a few queries of many heads",
     {5, 7, 3, 8},
     {5, 7, 8, 19},
     {5, 7, 19, 9},
     {5, 7, 3, 19},
     {3, 19},
     {.alpha = 0.5F, .beta = 0.25F},
     {5, 7, 3, 9}},
    {"one query", {3, 1, 12}, {3, 12, 50}, {3, 50, 12}, {}, {1, 50}, {}, {3, 1, 12}},
};

// Copies of a tensor, one after the other along its first axis.
Tensor repeated(const Tensor& tensor, int64_t copies) {
  Dims dims = tensor.dims();
  dims[0] *= copies;
  Tensor out = *Tensor::zeros(tensor.dtype(), dims);
  for (int64_t i = 0; i < copies; ++i)
    std::copy(tensor.bytes().begin(), tensor.bytes().end(),
              out.writable() + static_cast<size_t>(i) * tensor.bytes().size());
  return out;
}

// K and V are repeated so often.
NodeRunner runner(const Case& test, bool quantized, bool condition, int64_t copies = 1) {
  FusedAttentionAttrs attrs = test.attrs;
  attrs.condition = condition;
  attrs.fill = -1e4F;
  const QuantPtr in = quantized ? tensor_quant(DType::u8, 0.01F, 131) : nullptr;
  const QuantPtr values = quantized ? tensor_quant(DType::s8, 0.02F, -5) : nullptr;
  if (quantized) attrs.probabilities = tensor_quant(DType::u8, 1.0F / 255, 0);
  NodeRunner node("Attention", Attrs::of(attrs), kOctetDomain);
  const auto add = [&](const Dims& dims, unsigned seed, const QuantPtr& quant) {
    const Tensor drawn = random_floats(dims, seed, -1.2F, 1.2F);
    const Tensor real = seed == 2 || seed == 3 ? repeated(drawn, copies) : drawn;
    node.input(quant ? octet::testing::quantized(real, *quant) : real, quant);
  };
  add(test.q, 1, in);
  add(test.k, 2, in);
  add(test.v, 3, values);
  if (test.bias.empty())
    node.absent();
  else
    add(test.bias, 4, nullptr);
  if (!test.mask.empty() && condition) {
    Tensor mask = *Tensor::zeros(DType::boolean, test.mask);
    for (size_t i = 0; i < mask.count(); ++i) mask.writable_as<bool>()[i] = i % 3 == 1;
    node.input(mask);
  } else if (!test.mask.empty()) {
    add(test.mask, 5, nullptr);
  }
  node.output(quantized ? tensor_quant(DType::u8, 0.01F, 120) : nullptr);
  return node;
}

}  // namespace

TEST_CASE("Fused attention: float tiles against plain loops") {
  for (const Case& test : kCases)
    for (const bool condition : {false, true}) {
      CAPTURE(std::string(test.name));
      NodeRunner node = runner(test, false, condition && !test.mask.empty());
      const Tensor expected = node.run("reference")[0];
      CHECK(expected.dims() == test.out);
      for (const CpuToken cpu : all_tokens()) {
        CHECK(relative_difference(node.run("attention_f32", cpu)[0], expected) < 2e-6);
        CHECK(node.info().kernel == "attention_f32");
      }
    }
}

TEST_CASE("Fused attention: codes within one step of plain loops, the same on every set") {
  for (const Case& test : kCases) {
    CAPTURE(std::string(test.name));
    NodeRunner node = runner(test, true, !test.mask.empty());
    const Tensor expected = node.run("reference")[0];
    const Tensor scalar = node.run("attention_s8", CpuToken::scalar())[0];
    int worst = 0;
    for (size_t i = 0; i < expected.count(); ++i)
      worst = std::max(worst, std::abs(expected.as<uint8_t>()[i] - scalar.as<uint8_t>()[i]));
    CHECK(worst <= 1);
    for (const CpuToken cpu : all_tokens()) {
      CHECK(node.run("attention_s8", cpu)[0] == scalar);
      CHECK(node.info().kernel == "attention_s8");
    }
  }
}

TEST_CASE("Fused attention: heads that share keys and values give what copies of these give") {
  const Case cases[] = {
      {"hypotheses of an utterance",
       {8, 4, 1, 12},
       {1, 4, 12, 33},
       {1, 4, 33, 20},
       {},
       {1, 1, 1, 33},
       {},
       {8, 4, 1, 20}},
      {"a bias and a mask of each",
       {5, 2, 1, 8},
       {1, 2, 8, 9},
       {1, 2, 9, 8},
       {5, 1, 1, 9},
       {5, 2, 1, 9},
       {},
       {5, 2, 1, 8}},
      {"heads behind the queries",
       {6, 1, 3, 8},
       {1, 3, 8, 7},
       {1, 3, 7, 4},
       {},
       {6, 1, 1, 7},
       {.q_perm = {0, 2, 1, 3}, .out_perm = {0, 2, 1, 3}},
       {6, 1, 3, 4}},
  };
  for (const Case& test : cases)
    for (const bool quantized : {false, true}) {
      CAPTURE(std::string(test.name));
      CAPTURE(quantized);
      NodeRunner shared = runner(test, quantized, true);
      NodeRunner copied = runner(test, quantized, true, test.q[0]);
      const char* kernel = quantized ? "attention_s8" : "attention_f32";
      for (const CpuToken cpu : all_tokens())
        CHECK(shared.run(kernel, cpu)[0] == copied.run(kernel, cpu)[0]);
    }
}
