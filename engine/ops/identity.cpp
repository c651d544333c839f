#include "engine/ops/common/elements.h"
#include "engine/ops/common/movement.h"

namespace octet::ops::identity {
namespace {

Status infer(InferContext& context) {
  context.set_like(0, 0);
  infer_same_elements(context);
  return {};
}

Status run_boxed(const Attrs& /*attrs*/, RunContext& context) {
  return context.set_boxed(0, *context.input(0).boxed);
}

std::optional<Ports> match_boxed(const LowerContext& context) {
  const PortForm stored{PortForm::Storage::stored};
  if (!context.input(0).type.boxed()) return std::nullopt;
  return Ports{{stored}, {stored}};
}

constexpr Implementation kRows[] = {
    {.name = "share", .match = match_boxed, .prepare = prepare_function<run_boxed>},
    movement::kRows<movement::run_copy, 1>[0],
    movement::kRows<movement::run_copy, 1>[1],
    movement::kRows<movement::run_copy, 1>[2],
};

}  // namespace

extern const OpDef Identity;
const OpDef Identity = {.domain = "",
                        .name = "Identity",
                        .infer = infer,
                        .alias = {AliasRule::Kind::view},
                        .quant = movement::quant_shared,
                        .implementations = kRows};

}  // namespace octet::ops::identity
