#include <algorithm>

#include "engine/ops/common/movement.h"

namespace octet::ops::dropout {
namespace {

struct DropoutAttrs {
  std::optional<float> ratio;
  std::optional<int64_t> seed;
  static constexpr auto fields() {
    return std::tuple{field("ratio", &DropoutAttrs::ratio, {.until = 11}),
                      field("seed", &DropoutAttrs::seed, {.since = 12})};
  }
};

Status canonical(const CanonicalContext& context) {
  const auto& ratio = context.attrs<DropoutAttrs>().ratio;
  if (ratio) context.set_constant_input(1, Tensor::scalar(*ratio), "ratio");
  return {};
}

Status infer(InferContext& context) {
  context.set_like(0, 0);
  context.set_tensor(1, DType::boolean, context.input(0).shape);
  return {};
}

// Inference keeps every element. Training drops at random, which octet doesn't do, unless the ratio
// is 0.
Status run(const Attrs& attrs, RunContext& context) {
  const bool training = context.has_input(2) && *context.input(2).as<bool>();
  float ratio = 0.5F;
  if (context.has_input(1))
    visit_dtype(context.input(1).dtype, FloatTypes{},
                [&]<typename T>() { ratio = static_cast<float>(*context.input(1).as<T>()); });
  if (training && ratio != 0.0F) return unsupported("training with a ratio other than 0");
  if (context.has_output(1))
    std::fill_n(context.output(1).as<bool>(), context.output(1).count(), true);
  return context.has_output(0) ? movement::run_copy(attrs, context) : Status{};
}

}  // namespace

extern const OpDef Dropout;
const OpDef Dropout = {.domain = "",
                       .name = "Dropout",
                       .inputs = {1, 3},
                       .outputs = {1, 2},
                       .attrs = attr_codec<DropoutAttrs>(),
                       .canonical = canonical,
                       .infer = infer,
                       .implementations = movement::kRows<run, 1>};

}  // namespace octet::ops::dropout
