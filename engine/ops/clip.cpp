#include <algorithm>
#include <limits>

#include "engine/ops/common/elementwise.h"

namespace octet::ops::clip {
namespace {

struct ClipAttrs {
  std::optional<float> min;
  std::optional<float> max;
  static constexpr auto fields() {
    return std::tuple{field("min", &ClipAttrs::min, {.until = 10}),
                      field("max", &ClipAttrs::max, {.until = 10})};
  }
};

// Before opset 11 the bounds were attributes.
Status canonical(const CanonicalContext& context) {
  if (context.opset >= 11) return {};
  const auto attrs = context.attrs<ClipAttrs>();
  if (attrs.min) context.set_constant_input(1, Tensor::scalar(*attrs.min), "min");
  if (attrs.max) context.set_constant_input(2, Tensor::scalar(*attrs.max), "max");
  return {};
}

Status infer(InferContext& context) {
  context.set_like(0, 0);
  for (size_t i = 1; i < 3; ++i)
    if (context.has_input(i) && context.has_rank(i) && context.input(i).has_known_shape() &&
        element_count(context.shape(i)) != Dim(1))
      return invalid_model("a bound of Clip isn't a scalar");
  const auto* x = context.elements(0);
  if (x == nullptr) return {};
  std::vector<Dim> out = *x;
  for (size_t i = 1; i < 3; ++i) {
    if (!context.has_input(i)) continue;
    const auto* bound = context.elements(i);
    if (bound == nullptr || bound->size() != 1) return {};
    for (Dim& d : out) d = i == 1 ? max(d, bound->front()) : min(d, bound->front());
  }
  context.set_elements(0, std::move(out));
  return {};
}

// The bound as a T: constants of old models are float whatever the input is.
template <typename T>
T bound_or(const RunContext& context, size_t i, T otherwise) {
  if (!context.has_input(i)) return otherwise;
  const TensorView& bound = context.input(i);
  T value = otherwise;
  visit_dtype(bound.dtype, NumericTypes{},
              [&]<typename B>() { value = static_cast<T>(bound.as<B>()[0]); });
  return value;
}

template <typename T>
T lowest() {
  if constexpr (std::numeric_limits<T>::has_infinity)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::min();
}
template <typename T>
T highest() {
  if constexpr (std::numeric_limits<T>::has_infinity)
    return std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::max();
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  if (x.dtype == DType::f32) {
    kernels::UnaryF32Args args;
    args.function = kernels::UnaryF32::clip;
    args.alpha = bound_or(context, 1, lowest<float>());
    args.beta = bound_or(context, 2, highest<float>());
    elementwise::run_kernel(args, x, y, context);
    return {};
  }
  const bool known = visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() {
    const T low = bound_or(context, 1, lowest<T>());
    const T high = bound_or(context, 2, highest<T>());
    elementwise::map<T, T>(x, y, context.parallel(), [low, high](T value) {
      const T raised = value < low ? low : value;
      return high < raised ? high : raised;
    });
  });
  return known ? Status{} : elementwise::no_type(context, x.dtype);
}

std::optional<Ports> match_constant_bounds(const LowerContext& context) {
  for (size_t i = 1; i < 3; ++i)
    if (context.has_input(i) && context.constant(i) == nullptr) return std::nullopt;
  auto ports = match_lut(context);
  if (ports) ports->inputs.emplace_back();
  return ports;
}

Result<std::unique_ptr<Step>> prepare_lut(const LowerContext& context) {
  const auto bound = [&](size_t i, float otherwise) {
    return context.has_input(i) ? context.constant(i)->to_float()[0] : otherwise;
  };
  const float low = bound(1, lowest<float>());
  const float high = bound(2, highest<float>());
  return make_lut_step(context, [&](float x) { return std::min(std::max(x, low), high); });
}

std::optional<Ports> match_layout(const LowerContext& context) {
  auto ports = match_keep_layout(context);
  if (ports) ports->inputs.emplace_back();
  return ports;
}

constexpr Implementation kRows[] = {
    {.name = "lut_s8", .match = match_constant_bounds, .prepare = prepare_lut},
    {.name = "elementwise_f32", .match = match_layout, .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef Clip;
const OpDef Clip = {.domain = "",
                    .name = "Clip",
                    .inputs = {1, 3},
                    .attrs = attr_codec<ClipAttrs>(),
                    .canonical = canonical,
                    .infer = infer,
                    .alias = {AliasRule::Kind::in_place},
                    .quant = elementwise::quant_follow,
                    .implementations = kRows};

}  // namespace octet::ops::clip
