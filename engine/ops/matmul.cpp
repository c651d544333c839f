#include "engine/ops/matmul.h"

#include "engine/ops/common/product.h"
#include "engine/ops/common/product_s8.h"
#include "engine/ops/op.h"

namespace octet::ops::matmul {
namespace {

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<MatMulAttrs>();
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  if (!context.has_rank(0) || !context.has_rank(1)) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  Shape a = context.shape(0);
  Shape b = context.shape(1);
  if (a.empty() || b.empty()) return invalid_model("a factor is a scalar");
  const bool vector_a = a.size() == 1;
  const bool vector_b = b.size() == 1;
  if (vector_a) a.insert(a.begin(), Dim(1));
  if (vector_b) b.push_back(Dim(1));
  if (attrs.transpose_a) std::swap(a[a.size() - 1], a[a.size() - 2]);
  if (attrs.transpose_b) std::swap(b[b.size() - 1], b[b.size() - 2]);
  const Dim& depth_a = a[a.size() - 1];
  const Dim& depth_b = b[b.size() - 2];
  if (depth_a.known() && depth_b.known() && depth_a != depth_b)
    return invalid_model("shapes " + to_string(context.shape(0)) + " and " +
                         to_string(context.shape(1)) + " can't be multiplied");
  auto out = broadcast(Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  if (!out)
    return invalid_model("the batches of " + to_string(context.shape(0)) + " and " +
                         to_string(context.shape(1)) + " don't broadcast");
  if (!vector_a) out->push_back(a[a.size() - 2]);
  if (!vector_b) out->push_back(b.back());
  context.set_tensor(0, context.dtype(0), std::move(out));
  return {};
}

QuantSpec quant(const Graph& graph, const Node& node) {
  using Role = PortQuant::Role;
  const auto& b = graph.value(node.inputs[1]);
  const int rank = b.type.shape ? static_cast<int>(b.type.shape->size()) : 2;
  const bool swapped = node.attrs.as<MatMulAttrs>().transpose_b;
  const bool matrix = b.constant && rank == 2;
  const PortQuant weight{.role = matrix ? Role::weight : Role::activation,
                         .axis = rank - (swapped ? 2 : 1)};
  return {.inputs = {{Role::activation}, weight, {Role::bias}},
          .outputs = {{Role::activation}},
          .anchor = true};
}

constexpr Implementation kImplementations[] = {
    {.name = "gemm_s8", .match = match_product_s8, .prepare = prepare_product_s8},
    {.name = "matmul_s8", .match = match_batch_s8, .prepare = prepare_batch_s8},
    {.name = "gemm_f32", .match = match_product_f32, .prepare = prepare_product_f32},
    reference<run_product_reference>(),
};

}  // namespace

extern const OpDef MatMul;
const OpDef MatMul = {
    .domain = "",
    .name = "MatMul",
    .inputs = {2, 4},
    .attrs = attr_codec<MatMulAttrs>(),
    .infer = infer,
    .quant = quant,
    .macs = product_macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::matmul
