#include <algorithm>
#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

// A depthwise convolution over past entries and its own: y[t] = sum_j w[j] x[t - k + 1 + j], where
// what lies in front of x comes from the state.

namespace octet::ops::causal_conv_with_state {
namespace {

constexpr size_t kBias = 2;
constexpr size_t kPast = 3;

struct CausalConvAttrs {
  std::string activation = "none";
  static constexpr auto fields() {
    return std::tuple{field("activation", &CausalConvAttrs::activation)};
  }
};

Status infer(InferContext& context) {
  const auto& activation = context.attrs<CausalConvAttrs>().activation;
  if (activation != "none" && activation != "silu" && activation != "swish")
    return invalid_model("activation '{}'", activation);
  for (size_t i = 1; i < context.input_count(); ++i)
    if (context.has_input(i)) OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, i));
  context.set_like(0, 0);
  context.set_tensor(1, context.dtype(0));
  if (!context.has_rank(0) || !context.has_rank(1)) return {};
  const Shape& x = context.shape(0);
  const Shape& w = context.shape(1);
  if (x.size() != 3 || w.size() != 3)
    return invalid_model("the input or the weights aren't of rank 3");
  context.set_tensor(1, context.dtype(0), Shape{x[0], x[1], w[2] - Dim(1)});
  return {};
}

Status check(const RunContext& context) {
  const Dims& x = context.input(0).dims;
  const Dims& w = context.input(1).dims;
  bool fits = w[0] == x[1] && w[1] == 1 && w[2] >= 1;
  if (context.has_input(kBias)) fits = fits && context.input(kBias).count() == x[1];
  if (context.has_input(kPast))
    fits = fits && context.input(kPast).dims == Dims{x[0], x[1], w[2] - 1};
  return fits ? Status{} : invalid_data("the input, the weights and the state don't fit");
}

template <typename T>
void convolve(bool silu, RunContext& context) {
  const TensorView& x = context.input(0);
  const int64_t channels = x.dims[1];
  const int64_t length = x.dims[2];
  const int64_t taps = context.input(1).dims[2];
  const bool has_past = context.has_input(kPast);
  StopPoll poll;
  for (int64_t row = 0; row < x.dims[0] * channels; ++row) {
    const int64_t c = row % channels;
    const T* own = x.as<T>() + row * length;
    const T* w = context.input(1).as<T>() + c * taps;
    // Entry `at` of the state and the input behind it.
    const auto entry = [&](int64_t at) {
      if (at >= taps - 1) return own[at - taps + 1];
      return has_past ? context.input(kPast).as<T>()[row * (taps - 1) + at] : T{};
    };
    for (int64_t t = 0; t < length; ++t) {
      poll(static_cast<size_t>(taps) + 1);
      double sum =
          context.has_input(kBias) ? static_cast<double>(context.input(kBias).as<T>()[c]) : 0.0;
      for (int64_t j = 0; j < taps; ++j)
        sum += static_cast<double>(w[j]) * static_cast<double>(entry(t + j));
      if (silu) sum /= 1.0 + std::exp(-sum);
      context.output(0).as<T>()[row * length + t] = static_cast<T>(sum);
    }
    for (int64_t j = 0; j < taps - 1 && context.has_output(1); ++j)
      context.output(1).as<T>()[row * (taps - 1) + j] = entry(length + j);
  }
}

Status run(const Attrs& attrs, RunContext& context) {
  OCTET_RETURN_IF_ERROR(check(context));
  const bool silu = attrs.as<CausalConvAttrs>().activation != "none";
  const DType dtype = context.input(0).dtype;
  const bool known =
      visit_dtype(dtype, FloatTypes{}, [&]<typename T>() { convolve<T>(silu, context); });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef CausalConvWithState;
const OpDef CausalConvWithState = {.domain = "",
                                   .name = "CausalConvWithState",
                                   .since = 27,
                                   .inputs = {2, 4},
                                   .outputs = {1, 2},
                                   .attrs = attr_codec<CausalConvAttrs>(),
                                   .infer = infer,
                                   .implementations = kRows};

}  // namespace octet::ops::causal_conv_with_state
