#include <cmath>
#include <limits>

#include "engine/ir/stop.h"
#include "engine/ops/common/movement.h"

// Negative log likelihood, of log probabilities or of scores (SoftmaxCrossEntropyLoss).

namespace octet::ops::loss {
namespace {

struct LossAttrs {
  std::optional<int64_t> ignore_index;
  std::string reduction = "mean";
  static constexpr auto fields() {
    return std::tuple{field("ignore_index", &LossAttrs::ignore_index),
                      field("reduction", &LossAttrs::reduction)};
  }
};

Status infer(InferContext& context) {
  const auto& reduction = context.attrs<LossAttrs>().reduction;
  if (reduction != "none" && reduction != "mean" && reduction != "sum")
    return invalid_model("reduction '{}'", reduction);
  if (context.has_rank(0) && context.shape(0).size() < 2)
    return invalid_model("the scores have no class axis");
  context.set_tensor(0, context.dtype(0),
                     reduction == "none" ? context.input(1).shape : std::optional(Shape{}));
  context.set_tensor(1, context.dtype(0), context.input(0).shape);
  return {};
}

// Scores as [outer, classes, inner].
struct Scores {
  size_t outer;
  size_t classes;
  size_t inner;
};

template <typename T>
std::vector<double> log_softmax(const T* x, const Scores& s) {
  std::vector<double> out(s.outer * s.classes * s.inner);
  StopPoll poll;
  for (size_t i = 0; i < s.outer * s.inner; ++i) {
    poll(8 * s.classes);
    const size_t base = i / s.inner * s.classes * s.inner + i % s.inner;
    double peak = -std::numeric_limits<double>::infinity();
    for (size_t c = 0; c < s.classes; ++c)
      peak = std::fmax(peak, static_cast<double>(x[base + c * s.inner]));
    double sum = 0;
    for (size_t c = 0; c < s.classes; ++c)
      sum += std::exp(static_cast<double>(x[base + c * s.inner]) - peak);
    const double shift = peak + std::log(sum);
    for (size_t c = 0; c < s.classes; ++c)
      out[base + c * s.inner] = static_cast<double>(x[base + c * s.inner]) - shift;
  }
  return out;
}

template <typename T>
Status total(const LossAttrs& attrs, RunContext& context, const Scores& s,
             const std::vector<double>& log_probabilities) {
  const auto targets = movement::integers_of(context.input(1));
  const T* weights = context.has_input(2) ? context.input(2).as<T>() : nullptr;
  const bool each = attrs.reduction == "none";
  T* y = context.output(0).as<T>();
  double sum = 0;
  double weight_sum = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (each) y[i] = T{};
    if (attrs.ignore_index && targets[i] == *attrs.ignore_index) continue;
    if (targets[i] < 0 || targets[i] >= static_cast<int64_t>(s.classes))
      return invalid_data("class {} is out of range", targets[i]);
    const auto target = static_cast<size_t>(targets[i]);
    const double weight = weights != nullptr ? static_cast<double>(weights[target]) : 1.0;
    const size_t at = (i / s.inner * s.classes + target) * s.inner + i % s.inner;
    const double loss = -log_probabilities[at] * weight;
    if (each) y[i] = static_cast<T>(loss);
    sum += loss;
    weight_sum += weight;
  }
  if (attrs.reduction == "sum") y[0] = static_cast<T>(sum);
  if (attrs.reduction == "mean") y[0] = static_cast<T>(sum / weight_sum);
  return {};
}

template <bool Softmax>
Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  Scores s{static_cast<size_t>(x.dims[0]), static_cast<size_t>(x.dims[1]), 1};
  for (size_t a = 2; a < x.rank(); ++a) s.inner *= static_cast<size_t>(x.dims[a]);
  if (context.input(1).count() != static_cast<int64_t>(s.outer * s.inner))
    return invalid_data("there isn't one class a score vector");
  if (context.has_input(2) && context.input(2).count() != static_cast<int64_t>(s.classes))
    return invalid_data("there isn't one weight a class");
  Status status = unsupported("elements of type {}", dtype_name(x.dtype));
  visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    std::vector<double> values(x.as<T>(), x.as<T>() + x.count());
    if constexpr (Softmax) values = log_softmax(x.as<T>(), s);
    if (context.has_output(1))
      for (size_t i = 0; i < values.size(); ++i)
        context.output(1).as<T>()[i] = static_cast<T>(values[i]);
    status = context.has_output(0) ? total<T>(attrs.as<LossAttrs>(), context, s, values) : Status{};
  });
  return status;
}

template <bool Softmax>
constexpr Implementation kRows[] = {reference<run<Softmax>>()};

}  // namespace

extern const OpDef NegativeLogLikelihoodLoss;
extern const OpDef SoftmaxCrossEntropyLoss;
const OpDef NegativeLogLikelihoodLoss = {.domain = "",
                                         .name = "NegativeLogLikelihoodLoss",
                                         .since = 12,
                                         .inputs = {2, 3},
                                         .attrs = attr_codec<LossAttrs>(),
                                         .infer = infer,
                                         .implementations = kRows<false>};
const OpDef SoftmaxCrossEntropyLoss = {.domain = "",
                                       .name = "SoftmaxCrossEntropyLoss",
                                       .since = 12,
                                       .inputs = {2, 3},
                                       .outputs = {1, 2},
                                       .attrs = attr_codec<LossAttrs>(),
                                       .infer = infer,
                                       .implementations = kRows<true>};

}  // namespace octet::ops::loss
