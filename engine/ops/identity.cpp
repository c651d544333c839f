#include "engine/ops/common/elements.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::identity {
namespace {

Status infer(InferContext& context) {
  context.set_like(0, 0);
  infer_same_elements(context);
  return {};
}

}  // namespace

extern const OpDef Identity;
const OpDef Identity = {.domain = "",
                        .name = "Identity",
                        .infer = infer,
                        .alias = {AliasRule::Kind::view},
                        .quant = movement::quant_shared,
                        .implementations = movement::kRows<movement::run_copy, 1>};

}  // namespace octet::ops::identity
