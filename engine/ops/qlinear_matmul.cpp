#include "engine/ops/common/integer_product.h"
#include "engine/ops/matmul.h"
#include "engine/ops/op.h"

namespace octet::ops::qlinear_matmul {
namespace {

constexpr const IntegerProductPorts& kPorts = kQLinearMatMulPorts;

Status infer(InferContext& context) { return infer_integer_product(context, kPorts); }

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
