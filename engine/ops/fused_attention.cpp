#include "engine/ops/common/fused_attention.h"

#include "engine/ops/common/product.h"
#include "engine/ops/op.h"

namespace octet::ops::fused_attention {
namespace {

constexpr const FusedAttentionPorts& kAt = kFusedAttentionPorts;

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<FusedAttentionAttrs>();
  const auto q = permuted_shape(context.input(kAt.q).shape, attrs.q_perm);
  const auto k = permuted_shape(context.input(kAt.k).shape, attrs.k_perm);
  const auto v = permuted_shape(context.input(kAt.v).shape, attrs.v_perm);
  OCTET_ASSIGN(auto scores, product_output_shape(q, k, false, false));
  for (const size_t i : {kAt.bias, kAt.mask}) {
    if (!scores || !context.has_input(i) || !context.has_rank(i)) continue;
    const auto wider = broadcast(*scores, context.shape(i));
    // The products' own extents stand: an addend never widens them.
    const bool fits = wider && std::equal(scores->end() - 2, scores->end(), wider->end() - 2,
                                          [](const Dim& own, const Dim& sum) {
                                            return !own.known() || !sum.known() || own == sum;
                                          });
    if (!fits)
      return invalid_model("{} doesn't add to scores of {}", to_string(context.shape(i)),
                           to_string(*scores));
    std::copy(wider->begin(), wider->end() - 2, scores->begin());
  }
  OCTET_ASSIGN(const auto out, product_output_shape(scores, v, false, false));
  context.set_tensor(0, context.dtype(kAt.q), permuted_shape(out, attrs.out_perm));
  return {};
}

// Of both products.
std::optional<Dim> macs(const Graph& graph, const Node& node) {
  const auto& attrs = node.attrs.as<FusedAttentionAttrs>();
  const auto& q = graph.value(node.inputs[kAt.q]).type.shape;
  const auto k = permuted_shape(graph.value(node.inputs[kAt.k]).type.shape, attrs.k_perm);
  const auto& out = graph.value(node.outputs[0]).type.shape;
  if (!q || !k || !out) return std::nullopt;
  return (element_count(*q) + element_count(*out)) * k->back();
}

constexpr Implementation kImplementations[] = {
    {.name = "attention_s8", .match = match_attention_s8, .prepare = prepare_attention_s8},
    {.name = "attention_f32", .match = match_attention_f32, .prepare = prepare_attention_f32},
    reference<run_attention_reference>(),
};

}  // namespace

extern const OpDef Attention;
const OpDef Attention = {
    .domain = kOctetDomain,
    .name = "Attention",
    .inputs = {3, 5},
    .attrs = attr_codec<FusedAttentionAttrs>(),
    .infer = infer,
    .macs = macs,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::fused_attention
