#include "engine/ops/common/control.h"

namespace octet::ops::conditional {
namespace {

constexpr std::string_view kBodies[] = {"then_branch", "else_branch"};

Status infer(InferContext& context) {
  OCTET_ASSIGN(const auto taken, context.infer_body(0, {}));
  OCTET_ASSIGN(const auto otherwise, context.infer_body(1, {}));
  if (taken.size() != context.output_count() || otherwise.size() != context.output_count())
    return invalid_model("the branches give " + std::to_string(taken.size()) + " and " +
                         std::to_string(otherwise.size()) + " values, not " +
                         std::to_string(context.output_count()));
  for (size_t i = 0; i < taken.size(); ++i) {
    OCTET_ASSIGN(Type both, cover(taken[i], otherwise[i]));
    context.set_output(i, std::move(both));
  }
  return {};
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  BodyRunner* bodies = context.bodies();
  if (bodies == nullptr) return unsupported("subgraphs don't run here");
  const TensorView& condition = context.input(0);
  if (condition.count() != 1) return invalid_data("the condition isn't one element");
  const size_t branch = *condition.as<bool>() ? 0 : 1;
  OCTET_ASSIGN(const auto results, bodies->run(branch, borrow_inputs(context, 1)));
  for (size_t i = 0; i < results.size(); ++i)
    OCTET_RETURN_IF_ERROR(copy_to_output(context, i, results[i]));
  return {};
}

constexpr Implementation kImplementations[] = {
    {.name = "bodies", .match = match_logical, .prepare = prepare_function<run>},
};

}  // namespace

extern const OpDef If;
const OpDef If = {
    .domain = "",
    .name = "If",
    .inputs = {1, -1},
    .outputs = {1, -1},
    .bodies = kBodies,
    .infer = infer,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::conditional
