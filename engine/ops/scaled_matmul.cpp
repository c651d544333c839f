#include "engine/ops/common/integer_product.h"
#include "engine/ops/matmul.h"
#include "engine/ops/op.h"

// octet.ScaledMatMul: MatMulInteger whose sums become real numbers (IntegerProductPorts::scales).
// Inputs: A, B, their zero points, their scales, a bias of [N], the residual of the epilogue. A's
// scale and zero point are one number, or one for each row of A; B's one, or one for each column.
// A may be real numbers, without both: each of its rows is then quantized by its own range, as
// octet.QuantizeRows does.

namespace octet::ops::scaled_matmul {
namespace {

constexpr const IntegerProductPorts& kPorts = kScaledMatMulPorts;

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

extern const OpDef ScaledMatMul;
const OpDef ScaledMatMul = {
    .domain = kOctetDomain,
    .name = "ScaledMatMul",
    .inputs = {6, 8},
    .attrs = attr_codec<MatMulAttrs>(),
    .infer = infer,
    .macs = product_macs,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::scaled_matmul
