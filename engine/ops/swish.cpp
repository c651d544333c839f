#include "engine/ops/common/rewrite.h"

// Swish (https://arxiv.org/abs/1710.05941) and the gate that it makes
// (https://arxiv.org/abs/2002.05202). Both become products with a Sigmoid, which fusion knows.

namespace octet::ops::swish {
namespace {

struct SwishAttrs {
  float alpha = 1.0F;
  static constexpr auto fields() { return std::tuple{field("alpha", &SwishAttrs::alpha)}; }
};

DType type_of(const Graph& graph, ValueId id) { return graph.value(id).type.dtype; }

// x * Sigmoid(alpha * x)
Result<ValueId> swish(const CanonicalContext& context, Rewriter& rewrite) {
  const float alpha = context.attrs<SwishAttrs>().alpha;
  const ValueId x = context.node().inputs[0];
  ValueId scaled = x;
  if (alpha != 1.0F) {
    const ValueId factor = rewrite.constant(Tensor::scalar(alpha), rewrite.base() + "_alpha");
    OCTET_ASSIGN(const ValueId like,
                 rewrite.before("CastLike", {factor, x}, {}, rewrite.base() + "_alpha_like"));
    OCTET_ASSIGN(scaled, rewrite.before("Mul", {x, like}, {}, rewrite.base() + "_scaled"));
  }
  OCTET_ASSIGN(const ValueId gate,
               rewrite.before("Sigmoid", {scaled}, {}, rewrite.base() + "_gate"));
  return rewrite.before("Mul", {x, gate}, {}, rewrite.base() + "_swish");
}

Status rewrite_swish(const CanonicalContext& context) {
  Rewriter rewrite(context.graph, context.id);
  OCTET_ASSIGN(const ValueId y, swish(context, rewrite));
  rewrite.finish(y);
  return {};
}

Status rewrite_swiglu(const CanonicalContext& context) {
  Graph& graph = context.graph;
  const ValueId gate = context.node().inputs[0];
  const ValueId value = context.node().inputs[1];
  if (type_of(graph, gate) != type_of(graph, value))
    return invalid_model("the gate and the value differ in type");
  const auto& a = graph.value(gate).type.shape;
  const auto& b = graph.value(value).type.shape;
  if (a && b && all_known(*a) && all_known(*b) && *a != *b)
    return invalid_model("the gate and the value differ in shape");
  Rewriter rewrite(graph, context.id);
  OCTET_ASSIGN(const ValueId opened, swish(context, rewrite));
  OCTET_ASSIGN(const ValueId y,
               rewrite.before("Mul", {opened, value}, {}, rewrite.base() + "_gated"));
  rewrite.finish(y);
  return {};
}

}  // namespace

extern const OpDef SwiGLU;
extern const OpDef Swish;
const OpDef SwiGLU = {.domain = "",
                      .name = "SwiGLU",
                      .since = 28,
                      .inputs = {2, 2},
                      .attrs = attr_codec<SwishAttrs>(),
                      .canonical = rewrite_swiglu,
                      .infer = infer_same};
const OpDef Swish = {.domain = "",
                     .name = "Swish",
                     .since = 24,
                     .inputs = {1, 1},
                     .attrs = attr_codec<SwishAttrs>(),
                     .canonical = rewrite_swish,
                     .infer = infer_same};

}  // namespace octet::ops::swish
