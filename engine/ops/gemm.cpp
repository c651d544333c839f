#include "engine/ops/gemm.h"

#include "engine/ops/common/product.h"
#include "engine/ops/common/product_s8.h"
#include "engine/ops/op.h"

namespace octet::ops::gemm {
namespace {

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<GemmAttrs>();
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  if (!context.has_rank(0) || !context.has_rank(1)) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  const Shape& a = context.shape(0);
  const Shape& b = context.shape(1);
  if (a.size() != 2 || b.size() != 2)
    return invalid_model("factors must be matrices, not {} and {}", to_string(a), to_string(b));
  const Dim& depth_a = a[attrs.trans_a != 0 ? 0 : 1];
  const Dim& depth_b = b[attrs.trans_b != 0 ? 1 : 0];
  if (depth_a.known() && depth_b.known() && depth_a != depth_b)
    return invalid_model("shapes {} and {} can't be multiplied", to_string(a), to_string(b));
  const Shape out = {a[attrs.trans_a != 0 ? 1 : 0], b[attrs.trans_b != 0 ? 0 : 1]};
  if (context.has_input(2) && context.has_rank(2)) {
    const Shape& c = context.shape(2);
    const auto wide = broadcast(out, c);
    if (!wide || wide->size() != 2)
      return invalid_model("C of {} doesn't broadcast to {}", to_string(c), to_string(out));
  }
  context.set_tensor(0, context.dtype(0), out);
  return {};
}

QuantSpec quant(const Graph&, const Node& node) {
  using Role = PortQuant::Role;
  const bool swapped = node.attrs.as<GemmAttrs>().trans_b != 0;
  return {
      .inputs = {{Role::activation}, {.role = Role::weight, .axis = swapped ? 0 : 1}, {Role::bias}},
      .outputs = {{Role::activation}},
      .anchor = true};
}

constexpr Implementation kImplementations[] = {
    {.name = "gemm_s8", .match = match_product_s8, .prepare = prepare_product_s8},
    {.name = "gemm_f32", .match = match_product_f32, .prepare = prepare_product_f32},
    reference<run_product_reference>(),
};

}  // namespace

extern const OpDef Gemm;
const OpDef Gemm = {
    .domain = "",
    .name = "Gemm",
    .inputs = {2, 4},
    .attrs = attr_codec<GemmAttrs>(),
    .infer = infer,
    .quant = quant,
    .macs = product_macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::gemm
