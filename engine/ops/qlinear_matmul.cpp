#include "engine/ops/common/code_view.h"
#include "engine/ops/common/integer_product.h"
#include "engine/ops/matmul.h"
#include "engine/ops/op.h"

namespace octet::ops::qlinear_matmul {
namespace {

constexpr const IntegerProductPorts& kPorts = kQLinearMatMulPorts;

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(require_codes(context, kPorts.a, kPorts.a_zero));
  OCTET_RETURN_IF_ERROR(require_codes(context, kPorts.b, kPorts.b_zero));
  OCTET_RETURN_IF_ERROR(context.require(kPorts.y_zero, {DType::u8, DType::s8}));
  OCTET_RETURN_IF_ERROR(context.require(kPorts.a_scale, {DType::f32, DType::f16, DType::bf16}));
  OCTET_RETURN_IF_ERROR(context.require(kPorts.b_scale, {DType::f32, DType::f16, DType::bf16}));
  OCTET_RETURN_IF_ERROR(context.require(kPorts.y_scale, {DType::f32, DType::f16, DType::bf16}));
  OCTET_ASSIGN(auto shape, product_output_shape(context.input(kPorts.a).shape,
                                                context.input(kPorts.b).shape, false, false));
  context.set_tensor(0, context.dtype(kPorts.y_zero), std::move(shape));
  return {};
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  return run_integer_product(kPorts, context);
}

constexpr Implementation kImplementations[] = {
    {.name = "gemm_s8",
     .match = [](const LowerContext& c) { return match_integer_gemm(c, kPorts); },
     .prepare = [](const LowerContext& c) { return prepare_integer_gemm(c, kPorts); }},
    {.name = "matmul_s8",
     .match = [](const LowerContext& c) { return match_integer_matmul(c, kPorts); },
     .prepare = [](const LowerContext& c) { return prepare_integer_matmul(c, kPorts); }},
    reference<run>(),
};

}  // namespace

extern const OpDef QLinearMatMul;
const OpDef QLinearMatMul = {
    .domain = "",
    .name = "QLinearMatMul",
    .since = 10,
    .inputs = {8, 8},
    .attrs = attr_codec<MatMulAttrs>(),
    .infer = infer,
    .macs = product_macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::qlinear_matmul
