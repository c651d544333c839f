// Chains that exporters write for one activation: SiLU, hard-swish, and both forms of GELU.
#include <cmath>
#include <numbers>

#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_activation {
namespace {

using Match = std::optional<Node>;

// Mul(x, Sigmoid(x)) in either order.
Match silu(const Graph& graph, const Node& mul) {
  for (size_t i = 0; i < 2; ++i) {
    const Node* sigmoid = producer(graph, mul.inputs[i], "Sigmoid");
    if (sigmoid != nullptr && sigmoid->inputs[0] == mul.inputs[1 - i] &&
        inner(graph, mul.inputs[i]))
      return make_node(kOctetDomain, "Silu", {sigmoid->inputs[0]}, {}, mul.name);
  }
  return std::nullopt;
}

// Mul(x, HardSigmoid(x; 1/6, 1/2)) in either order.
Match hard_swish(const Graph& graph, const Node& mul) {
  for (size_t i = 0; i < 2; ++i) {
    const Node* gate = producer(graph, mul.inputs[i], "HardSigmoid");
    if (gate == nullptr || gate->inputs[0] != mul.inputs[1 - i] || !inner(graph, mul.inputs[i]))
      continue;
    const bool standard = std::abs(float_attr(*gate, "alpha", 0.2F) - 1.0F / 6.0F) < 1e-6F &&
                          float_attr(*gate, "beta", 0.5F) == 0.5F;
    if (standard) return make_node("", "HardSwish", {gate->inputs[0]}, {}, mul.name);
  }
  return std::nullopt;
}

Match gelu_of(ValueId x, const char* approximate, const std::string& name) {
  return make_node("", "Gelu", {x}, {{"approximate", std::string(approximate)}}, name);
}

// `id` as Add(inside, 1): the value inside.
std::optional<ValueId> plus_one(const Graph& graph, ValueId id) {
  const Node* add = producer(graph, id, "Add");
  const auto parts = add == nullptr || !inner(graph, id) ? std::nullopt : with_scalar(graph, *add);
  return parts && parts->second == 1.0F && inner(graph, parts->first) ? std::optional(parts->first)
                                                                      : std::nullopt;
}

// Erf(x / sqrt(2)) or Erf(x * sqrt(1/2)): x.
std::optional<ValueId> erf_argument(const Graph& graph, ValueId id) {
  const Node* erf = producer(graph, id, "Erf");
  if (erf == nullptr || !inner(graph, erf->inputs[0])) return std::nullopt;
  const Node* div = producer(graph, erf->inputs[0], "Div");
  if (div != nullptr && is_scalar(graph, div->inputs[1], std::numbers::sqrt2_v<float>))
    return div->inputs[0];
  const Node* mul = producer(graph, erf->inputs[0], "Mul");
  const auto parts = mul == nullptr ? std::nullopt : with_scalar(graph, *mul);
  const bool half = parts && std::abs(parts->second - 0.70710678F) < 1e-6F;
  return half ? std::optional(parts->first) : std::nullopt;
}

// Mul(Mul(x, 1 + erf(x/sqrt 2)), 0.5), or the half on x.
Match gelu_erf(const Graph& graph, const Node& outer) {
  const auto halved = with_scalar(graph, outer);
  const Node* product = &outer;
  if (halved) {
    if (halved->second != 0.5F || !inner(graph, halved->first)) return std::nullopt;
    product = producer(graph, halved->first, "Mul");
    if (product == nullptr) return std::nullopt;
  }
  for (size_t i = 0; i < 2; ++i) {
    const auto erf = plus_one(graph, product->inputs[i]);
    const auto x = erf ? erf_argument(graph, *erf) : std::nullopt;
    if (!x) continue;
    const ValueId other = product->inputs[1 - i];
    if (halved && other == *x) return gelu_of(*x, "none", outer.name);
    const Node* half = producer(graph, other, "Mul");
    const auto parts = half == nullptr ? std::nullopt : with_scalar(graph, *half);
    if (!halved && parts && parts->second == 0.5F && parts->first == *x)
      return gelu_of(*x, "none", outer.name);
  }
  return std::nullopt;
}

// Tanh(sqrt(2/pi) * (x + 0.044715 * x^3)): x.
std::optional<ValueId> tanh_argument(const Graph& graph, ValueId id) {
  const Node* tanh = producer(graph, id, "Tanh");
  const Node* outer = tanh == nullptr ? nullptr : producer(graph, tanh->inputs[0], "Mul");
  const auto scaled = outer == nullptr ? std::nullopt : with_scalar(graph, *outer);
  if (!scaled || std::abs(scaled->second - 0.79788456F) > 1e-5F) return std::nullopt;
  const Node* sum = producer(graph, scaled->first, "Add");
  if (sum == nullptr) return std::nullopt;
  for (size_t i = 0; i < 2; ++i) {
    const Node* cubic = producer(graph, sum->inputs[i], "Mul");
    const auto parts = cubic == nullptr ? std::nullopt : with_scalar(graph, *cubic);
    if (!parts || std::abs(parts->second - 0.044715F) > 1e-5F) continue;
    const Node* pow = producer(graph, parts->first, "Pow");
    if (pow != nullptr && pow->inputs[0] == sum->inputs[1 - i] &&
        is_scalar(graph, pow->inputs[1], 3.0F))
      return pow->inputs[0];
  }
  return std::nullopt;
}

// Mul(0.5 x, 1 + tanh(...)) in either order.
Match gelu_tanh(const Graph& graph, const Node& mul) {
  for (size_t i = 0; i < 2; ++i) {
    const auto tanh = plus_one(graph, mul.inputs[i]);
    const auto x = tanh ? tanh_argument(graph, *tanh) : std::nullopt;
    const Node* half = x ? producer(graph, mul.inputs[1 - i], "Mul") : nullptr;
    const auto parts = half == nullptr ? std::nullopt : with_scalar(graph, *half);
    if (parts && parts->second == 0.5F && parts->first == *x && inner(graph, mul.inputs[1 - i]))
      return gelu_of(*x, "tanh", mul.name);
  }
  return std::nullopt;
}

Match activation(const Graph& graph, const Node& mul) {
  for (const auto& pattern : {silu, hard_swish, gelu_erf, gelu_tanh})
    if (auto match = pattern(graph, mul)) return match;
  return std::nullopt;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  return rewrite_each(graph, "Mul", activation);
}

}  // namespace octet::passes::fuse_activation
