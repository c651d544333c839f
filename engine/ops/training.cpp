#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

// Optimizers of ai.onnx.preview.training: inputs are the learning rate, the update count, then as
// many tensors, gradients and states as are optimized; outputs the new tensors and states. The
// formulas are the standard's. Adam: https://arxiv.org/abs/1412.6980; Adagrad:
// https://jmlr.org/papers/v12/duchi11a.html.

namespace octet::ops::training {
namespace {

constexpr std::string_view kDomain = "ai.onnx.preview.training";
constexpr size_t kFirst = 2;

struct AdagradAttrs {
  float decay_factor = 0.0F;
  float epsilon = 1e-6F;
  float norm_coefficient = 0.0F;
  static constexpr size_t kStates = 1;
  static constexpr auto fields() {
    using A = AdagradAttrs;
    return std::tuple{field("decay_factor", &A::decay_factor), field("epsilon", &A::epsilon),
                      field("norm_coefficient", &A::norm_coefficient)};
  }
};

struct AdamAttrs {
  float alpha = 0.9F;
  float beta = 0.999F;
  float epsilon = 1e-6F;
  float norm_coefficient = 0.0F;
  float norm_coefficient_post = 0.0F;
  static constexpr size_t kStates = 2;
  static constexpr auto fields() {
    using A = AdamAttrs;
    return std::tuple{field("alpha", &A::alpha), field("beta", &A::beta),
                      field("epsilon", &A::epsilon),
                      field("norm_coefficient", &A::norm_coefficient),
                      field("norm_coefficient_post", &A::norm_coefficient_post)};
  }
};

struct MomentumAttrs {
  float alpha = 0.0F;
  float beta = 0.0F;
  std::string mode = {};
  float norm_coefficient = 0.0F;
  static constexpr size_t kStates = 1;
  static constexpr auto fields() {
    using A = MomentumAttrs;
    return std::tuple{field("alpha", &A::alpha, {.required = true}),
                      field("beta", &A::beta, {.required = true}),
                      field("mode", &A::mode, {.required = true}),
                      field("norm_coefficient", &A::norm_coefficient, {.required = true})};
  }
};

// One element of an optimized tensor, its gradient and its states; `x` and `states` are updated.
struct Element {
  double x;
  double gradient;
  double states[2];
};

struct Schedule {
  double rate;
  double count;
};

void update(const AdagradAttrs& a, const Schedule& s, Element& e) {
  const double rate = s.rate / (1 + s.count * static_cast<double>(a.decay_factor));
  const double gradient = static_cast<double>(a.norm_coefficient) * e.x + e.gradient;
  e.states[0] += gradient * gradient;
  e.x -= rate * gradient / (std::sqrt(e.states[0]) + static_cast<double>(a.epsilon));
}

void update(const AdamAttrs& a, const Schedule& s, Element& e) {
  const auto alpha = static_cast<double>(a.alpha);
  const auto beta = static_cast<double>(a.beta);
  const double gradient = static_cast<double>(a.norm_coefficient) * e.x + e.gradient;
  e.states[0] = alpha * e.states[0] + (1 - alpha) * gradient;
  e.states[1] = beta * e.states[1] + (1 - beta) * gradient * gradient;
  double rate = s.rate;
  if (s.count > 0) rate *= std::sqrt(1 - std::pow(beta, s.count)) / (1 - std::pow(alpha, s.count));
  e.x -= rate * e.states[0] / (std::sqrt(e.states[1]) + static_cast<double>(a.epsilon));
  e.x *= 1 - static_cast<double>(a.norm_coefficient_post);
}

void update(const MomentumAttrs& a, const Schedule& s, Element& e) {
  const auto alpha = static_cast<double>(a.alpha);
  const double beta = s.count > 0 ? static_cast<double>(a.beta) : 1.0;
  const double gradient = static_cast<double>(a.norm_coefficient) * e.x + e.gradient;
  e.states[0] = alpha * e.states[0] + beta * gradient;
  e.x -= s.rate * (a.mode == "nesterov" ? gradient + alpha * e.states[0] : e.states[0]);
}

// Inputs go by kinds: all tensors, all gradients, then each kind of state.
template <typename A>
Result<size_t> tensor_count(const Node& node) {
  const size_t given = node.inputs.size() - kFirst;
  const size_t each = 2 + A::kStates;
  if (given == 0 || given % each != 0)
    return invalid_model("its inputs aren't tensors with their gradients and states");
  return given / each;
}

template <typename A>
Status infer(InferContext& context) {
  OCTET_ASSIGN(const size_t count, tensor_count<A>(context.node()));
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::f32, DType::f64}));
  OCTET_RETURN_IF_ERROR(context.require(1, {DType::s64}));
  if constexpr (std::is_same_v<A, MomentumAttrs>)
    if (const auto& mode = context.attrs<A>().mode; mode != "nesterov" && mode != "standard")
      return invalid_model("mode '{}'", mode);
  for (size_t i = 0; i < context.output_count(); ++i)
    if (i < count * (1 + A::kStates))
      context.set_like(i, kFirst + i + (i < count ? 0 : count));
    else
      return invalid_model("it has more outputs than tensors and states");
  return {};
}

// The inputs of optimized tensor `tensor`: kind 0 is itself, 1 its gradient, then its states.
struct TensorInputs {
  const RunContext& context;
  size_t count;
  size_t tensor;
  const TensorView& input(size_t kind) const {
    return context.input(kFirst + kind * count + tensor);
  }
};

template <typename A, typename T>
Status step(const A& attrs, RunContext& context) {
  const size_t count = *tensor_count<A>(context.node());
  Schedule schedule{};
  visit_dtype(context.input(0).dtype, FloatTypes{}, [&]<typename R>() {
    schedule.rate = static_cast<double>(*context.input(0).as<R>());
  });
  schedule.count = static_cast<double>(*context.input(1).as<int64_t>());
  StopPoll poll;
  for (size_t t = 0; t < count; ++t) {
    const TensorInputs ports{context, count, t};
    for (size_t kind = 1; kind < 2 + A::kStates; ++kind)
      if (ports.input(kind).dims != ports.input(0).dims ||
          ports.input(kind).dtype != ports.input(0).dtype)
        return invalid_data("a tensor, its gradient and its states differ in dims or type");
    for (int64_t i = 0; i < ports.input(0).count(); ++i) {
      poll(4);
      Element e{static_cast<double>(ports.input(0).as<T>()[i]),
                static_cast<double>(ports.input(1).as<T>()[i]),
                {}};
      for (size_t s = 0; s < A::kStates; ++s)
        e.states[s] = static_cast<double>(ports.input(2 + s).as<T>()[i]);
      update(attrs, schedule, e);
      if (context.has_output(t)) context.output(t).as<T>()[i] = static_cast<T>(e.x);
      for (size_t s = 0; s < A::kStates; ++s)
        if (const size_t port = (1 + s) * count + t; context.has_output(port))
          context.output(port).as<T>()[i] = static_cast<T>(e.states[s]);
    }
  }
  return {};
}

template <typename A>
Status run(const Attrs& attrs, RunContext& context) {
  Status status;
  const DType dtype = context.input(kFirst).dtype;
  const bool known = visit_dtype(
      dtype, FloatTypes{}, [&]<typename T>() { status = step<A, T>(attrs.as<A>(), context); });
  return known ? std::move(status) : unsupported("elements of type {}", dtype_name(dtype));
}

template <typename A>
constexpr Implementation kRows[] = {reference<run<A>>()};

template <typename A>
constexpr OpDef optimizer(std::string_view name) {
  return {.domain = kDomain,
          .name = name,
          .inputs = {3, -1},
          .outputs = {1, -1},
          .attrs = attr_codec<A>(),
          .infer = infer<A>,
          .implementations = kRows<A>};
}

}  // namespace

extern const OpDef Adagrad;
extern const OpDef Adam;
extern const OpDef Momentum;
const OpDef Adagrad = optimizer<AdagradAttrs>("Adagrad");
const OpDef Adam = optimizer<AdamAttrs>("Adam");
const OpDef Momentum = optimizer<MomentumAttrs>("Momentum");

}  // namespace octet::ops::training
