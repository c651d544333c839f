#include "engine/ops/common/fused_attention.h"
#include "engine/ops/gather_concat.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::FusedAttentionAttrs;

namespace {

struct Case {
  const char* name;
  Dims q, kept_k, kept_v;
  std::vector<int64_t> rows;
  int64_t more = 1;  // Keys that are added.
  FusedAttentionAttrs attrs = {};
};

const Case kCases[] = {
    {"a step of a beam",
     {8, 1, 4, 36},
     {8, 4, 36, 5},
     {8, 4, 5, 36},
     {7, 7, 0, -1, 3, -8, 2, 1},
     1,
     {.q_perm = {0, 2, 1, 3}, .out_perm = {0, 2, 1, 3}, .alpha = 1.0F / 6.0F}},
    {"the first step", {1, 4, 1, 36}, {1, 4, 36, 0}, {1, 4, 0, 36}, {0}},
    {"the second step", {3, 4, 1, 8}, {1, 4, 8, 1}, {1, 4, 1, 20}, {0, 0, 0}},
    {"heads left over", {3, 6, 1, 7}, {2, 6, 7, 9}, {2, 6, 9, 33}, {1, 0, 1}},
    {"as many keys as one vector holds", {2, 5, 1, 9}, {2, 5, 9, 15}, {2, 5, 15, 9}, {1, 0}},
    {"more keys", {2, 3, 1, 9}, {2, 3, 9, 16}, {2, 3, 16, 9}, {1, 1}},
    {"many keys", {4, 2, 1, 9}, {4, 2, 9, 50}, {4, 2, 50, 9}, {1, 1, 2, 0}},
    {"two keys more", {2, 3, 1, 9}, {2, 3, 9, 4}, {2, 3, 4, 9}, {1, 0}, 2},
    {"queries", {2, 3, 5, 9}, {3, 3, 9, 4}, {3, 3, 4, 9}, {1, 2}},
    {"heads that share a cache", {2, 4, 1, 9}, {3, 1, 9, 4}, {3, 1, 4, 9}, {1, 2}},
    {"no heads", {3, 1, 6}, {2, 6, 4}, {2, 4, 6}, {1, 0, 0}},
    {"no rows", {0, 4, 1, 6}, {2, 4, 6, 3}, {2, 4, 3, 6}, {}},
};

Tensor rows_of(const Case& c) { return Tensor::of({static_cast<int64_t>(c.rows.size())}, c.rows); }

Tensor added(const Case& c, const Dims& kept, size_t from_last, unsigned seed) {
  Dims dims = kept;
  dims[0] = static_cast<int64_t>(c.rows.size());
  dims[dims.size() - from_last] = c.more;
  return random_floats(dims, seed, -1.2F, 1.2F);
}

Tensor lengthened(const Case& c, const Tensor& kept, const Tensor& tail, int64_t axis) {
  NodeRunner node("GatherConcat", Attrs::of(ops::GatherConcatAttrs{axis}), kOctetDomain);
  node.input(kept).input(rows_of(c)).input(tail).output();
  return node.run("reference")[0];
}

}  // namespace

TEST_CASE("Cached attention: the caches, and the bits of an attention over them, on every set") {
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.name));
    const Tensor q = random_floats(c.q, 1, -1.2F, 1.2F);
    const Tensor kept_k = random_floats(c.kept_k, 2, -1.2F, 1.2F);
    const Tensor kept_v = random_floats(c.kept_v, 3, -1.2F, 1.2F);
    const Tensor new_k = added(c, c.kept_k, 1, 4), new_v = added(c, c.kept_v, 2, 5);
    const Tensor k = lengthened(c, kept_k, new_k, -1), v = lengthened(c, kept_v, new_v, -2);
    NodeRunner apart("Attention", Attrs::of(c.attrs), kOctetDomain);
    apart.input(q).input(k).input(v).output();
    NodeRunner node("CachedAttention", Attrs::of(c.attrs), kOctetDomain);
    node.input(q).input(kept_k).input(kept_v).input(rows_of(c)).input(new_k).input(new_v);
    node.output().output().output();
    const auto plain = node.run("reference");
    CHECK(plain[0] == apart.run("reference")[0]);
    CHECK(plain[1] == k);
    CHECK(plain[2] == v);
    for (const CpuToken cpu : all_tokens()) {
      const auto made = node.run("cached_attention_f32", cpu);
      CHECK(node.info().kernel == "cached_attention_f32");
      const Tensor expected = apart.run("attention_f32", cpu)[0];
      CHECK(node.info().isa == apart.info().isa);
      CHECK(made[0] == expected);
      CHECK(made[1] == k);
      CHECK(made[2] == v);
    }
  }
}
