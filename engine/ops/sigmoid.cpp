#include <algorithm>
#include <cmath>

#include "engine/ops/common/elementwise.h"
#include "engine/ops/common/rewrite.h"

// Functions with known output ranges, and their piecewise linear stand-ins.

namespace octet::ops::sigmoid {
namespace {

using elementwise::unary_op;
using kernels::UnaryF32;

struct SigmoidFunction {
  static constexpr auto kKernel = UnaryF32::sigmoid;
  template <typename T>
  T operator()(T x) const {
    // The exponential of a negative number never overflows.
    const T e = std::exp(-std::fabs(x));
    return (x < T{} ? e : T(1)) / (T(1) + e);
  }
};

struct TanhFunction {
  static constexpr auto kKernel = UnaryF32::tanh;
  template <typename T>
  T operator()(T x) const {
    return std::tanh(x);
  }
};

struct HardSigmoidFunction {
  float alpha = 0.2F;
  float beta = 0.5F;
  static constexpr auto fields() {
    return std::tuple{field("alpha", &HardSigmoidFunction::alpha),
                      field("beta", &HardSigmoidFunction::beta)};
  }
  static constexpr auto kKernel = UnaryF32::hard_sigmoid;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return std::max(T(0), std::min(T(1), T(alpha) * x + T(beta)));
  }
};

struct HardSwishFunction {
  static constexpr auto kKernel = UnaryF32::hard_swish;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x * std::max(T(0), std::min(T(1), x / T(6) + T(0.5)));
  }
};

struct SiluFunction {
  static constexpr auto kKernel = UnaryF32::silu;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x * SigmoidFunction{}(x);
  }
};

// For graphs that are written: x * Sigmoid(x).
Status expand_silu(Graph& graph, NodeId id) {
  const ValueId x = graph.node(id).inputs[0];
  Rewriter rewrite(graph, id);
  OCTET_ASSIGN(const ValueId gate, rewrite.before("Sigmoid", {x}, {}, rewrite.base() + "_gate"));
  OCTET_ASSIGN(const ValueId y, rewrite.before("Mul", {x, gate}, {}, rewrite.base() + "_gated"));
  rewrite.finish(y);
  return {};
}

QuantSpec fixed_range(Scale scale, ZeroPoint zero_point) {
  const PortQuant output{PortQuant::Role::fixed, 0, scale, zero_point};
  return {.inputs = {{PortQuant::Role::activation}}, .outputs = {output}};
}

QuantSpec quant_sigmoid(const Graph&, const Node&) { return fixed_range({1.0F / 256}, {0}); }
QuantSpec quant_tanh(const Graph&, const Node&) { return fixed_range({1.0F / 128}, {128}); }

constexpr OpDef with_quant(OpDef op, QuantSpec (*quant)(const Graph&, const Node&)) {
  op.quant = quant;
  return op;
}

constexpr OpDef silu_op() {
  OpDef op = unary_op<SiluFunction>("Silu");
  op.domain = kOctetDomain;
  op.expand = expand_silu;
  return op;
}

}  // namespace

extern const OpDef HardSigmoid;
extern const OpDef HardSwish;
extern const OpDef Sigmoid;
extern const OpDef Silu;
extern const OpDef Tanh;
const OpDef HardSigmoid = unary_op<HardSigmoidFunction>("HardSigmoid");
const OpDef HardSwish = unary_op<HardSwishFunction>("HardSwish");
const OpDef Sigmoid = with_quant(unary_op<SigmoidFunction>("Sigmoid"), quant_sigmoid);
const OpDef Silu = silu_op();
const OpDef Tanh = with_quant(unary_op<TanhFunction>("Tanh"), quant_tanh);

}  // namespace octet::ops::sigmoid
