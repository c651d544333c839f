#include <array>

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attrs_of(std::string_view op, const AttrMap& map) {
  return require_op("", op).attrs.read(map, kMaxOpset).value();
}

Tensor heads(Dims dims, std::vector<float> values) { return Tensor::of(std::move(dims), values); }

// Equal keys: every key that isn't masked has the same probability.
const Tensor kQuery = heads({1, 2, 2, 1}, {1, 1, 1, 1});
const Tensor kKey = heads({1, 1, 2, 1}, {0, 0});
const Tensor kValue = heads({1, 1, 2, 1}, {2, 4});

}  // namespace

TEST_CASE("Attention: shared key heads, causal masks, masks and caches") {
  struct Case {
    const char* name;
    AttrMap attrs;
    std::optional<Tensor> mask;
    bool past;
    std::vector<float> y;
  };
  const Tensor closed = heads({2, 2}, {0, -1e30F, 0, 0});
  const Tensor never =
      Tensor::of(Dims{1, 1, 2, 2}, std::span<const bool>(std::array{true, true, false, false}));
  for (const Case& c :
       {Case{"plain", {}, std::nullopt, false, {3, 3, 3, 3}},
        Case{"causal", {{"is_causal", int64_t{1}}}, std::nullopt, false, {2, 3, 2, 3}},
        Case{"added mask", {}, closed, false, {2, 3, 2, 3}},
        Case{"a row without keys is zero", {}, never, false, {3, 0, 3, 0}},
        Case{"causal behind a cache",
             {{"is_causal", int64_t{1}}},
             std::nullopt,
             true,
             {6, 16.0F / 3, 6, 16.0F / 3}}}) {
    INFO(c.name);
    NodeRunner node("Attention", attrs_of("Attention", c.attrs));
    node.input(kQuery).input(kKey).input(kValue);
    if (c.mask || c.past) c.mask ? node.input(*c.mask) : node.absent();
    if (c.past) node.input(heads({1, 1, 1, 1}, {0})).input(heads({1, 1, 1, 1}, {10}));
    node.output().absent_output().output();
    const auto outputs = node.run("reference");
    CHECK(relative_difference(outputs[0], heads({1, 2, 2, 1}, c.y)) < 1e-6);
    CHECK(outputs[2] == (c.past ? heads({1, 1, 3, 1}, {10, 2, 4}) : kValue));
  }
}

TEST_CASE("Attention takes heads that lie side by side, and gives its scores") {
  NodeRunner node("Attention", attrs_of("Attention", {{"q_num_heads", int64_t{2}},
                                                      {"kv_num_heads", int64_t{1}},
                                                      {"scale", 2.0F},
                                                      {"softcap", 4.0F},
                                                      {"qk_matmul_output_mode", int64_t{1}}}));
  node.input(heads({1, 1, 2}, {1, 3})).input(heads({1, 1, 1}, {0.5F}));
  node.input(heads({1, 1, 1}, {7})).output().absent_output().absent_output().output();
  const auto outputs = node.run("reference");
  CHECK(outputs[0] == heads({1, 1, 2}, {7, 7}));
  CHECK(relative_difference(
            outputs[3], heads({1, 2, 1, 1}, {4 * std::tanh(0.25F), 4 * std::tanh(0.75F)})) < 1e-6);
}

TEST_CASE("RotaryEmbedding turns pairs by a quarter") {
  const Tensor cosine = heads({2, 1}, {1, 0});
  const Tensor sine = heads({2, 1}, {0, 1});
  const Tensor positions = Tensor::of(Dims{1, 2}, std::vector<int64_t>{1, 0});
  for (const int64_t interleaved : {0, 1}) {
    NodeRunner node("RotaryEmbedding",
                    attrs_of("RotaryEmbedding",
                             {{"interleaved", interleaved}, {"rotary_embedding_dim", int64_t{2}}}));
    node.input(heads({1, 1, 2, 3}, {1, 2, 3, 4, 5, 6})).input(cosine).input(sine);
    node.input(positions).output();
    CHECK(node.run("reference")[0] == heads({1, 1, 2, 3}, {-2, 1, 3, 4, 5, 6}));
  }
}
