#include "engine/ops/matmul.h"

#include "engine/ops/common/product.h"
#include "engine/ops/common/product_s8.h"
#include "engine/ops/op.h"

namespace octet::ops::matmul {
namespace {

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<MatMulAttrs>();
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  OCTET_ASSIGN(auto shape, product_output_shape(context.input(0).shape, context.input(1).shape,
                                                attrs.transpose_a, attrs.transpose_b));
  context.set_tensor(0, context.dtype(0), std::move(shape));
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
