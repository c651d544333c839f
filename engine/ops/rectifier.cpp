#include <algorithm>
#include <cmath>

#include "engine/ops/common/elementwise.h"

// Linear units: the identity for large x, something smaller below.

namespace octet::ops::rectifier {
namespace {

using elementwise::unary_op;
using kernels::UnaryF32;

struct ReluFunction {
  static constexpr auto kKernel = UnaryF32::relu;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x < T{} ? T{} : x;
  }
};

struct LeakyReluFunction {
  float alpha = 0.01F;
  static constexpr auto fields() { return std::tuple{field("alpha", &LeakyReluFunction::alpha)}; }
  static constexpr auto kKernel = UnaryF32::leaky_relu;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x < T{} ? T(alpha) * x : x;
  }
};

struct EluFunction {
  float alpha = 1.0F;
  static constexpr auto fields() { return std::tuple{field("alpha", &EluFunction::alpha)}; }
  static constexpr auto kKernel = UnaryF32::elu;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x < T{} ? T(alpha) * std::expm1(x) : x;
  }
};

struct SeluFunction {
  float alpha = 1.67326319217681884765625F;
  float gamma = 1.05070102214813232421875F;
  static constexpr auto fields() {
    return std::tuple{field("alpha", &SeluFunction::alpha), field("gamma", &SeluFunction::gamma)};
  }
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return T(gamma) * (x > T{} ? x : T(alpha) * std::expm1(x));
  }
};

struct CeluFunction {
  float alpha = 1.0F;
  static constexpr auto fields() { return std::tuple{field("alpha", &CeluFunction::alpha)}; }
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return std::max(T{}, x) + std::min(T{}, T(alpha) * std::expm1(x / T(alpha)));
  }
};

struct ThresholdedReluFunction {
  float alpha = 1.0F;
  static constexpr auto fields() {
    return std::tuple{field("alpha", &ThresholdedReluFunction::alpha)};
  }
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x > T(alpha) ? x : T{};
  }
};

struct ShrinkFunction {
  float bias = 0.0F;
  float lambd = 0.5F;
  static constexpr auto fields() {
    return std::tuple{field("bias", &ShrinkFunction::bias), field("lambd", &ShrinkFunction::lambd)};
  }
  template <typename T>
  T operator()(T x) const {
    const auto value = static_cast<double>(x);
    if (value < -static_cast<double>(lambd)) return static_cast<T>(value + bias);
    if (value > lambd) return static_cast<T>(value - bias);
    return T{};
  }
};

using ReluTypes = TypeList<float, double, int32_t, int64_t, int8_t, int16_t>;

}  // namespace

extern const OpDef Celu;
extern const OpDef Elu;
extern const OpDef LeakyRelu;
extern const OpDef Relu;
extern const OpDef Selu;
extern const OpDef Shrink;
extern const OpDef ThresholdedRelu;
const OpDef Celu = unary_op<CeluFunction>("Celu");
const OpDef Elu = unary_op<EluFunction>("Elu");
const OpDef LeakyRelu = unary_op<LeakyReluFunction>("LeakyRelu");
const OpDef Relu = unary_op<ReluFunction, ReluTypes>("Relu");
const OpDef Selu = unary_op<SeluFunction>("Selu");
const OpDef Shrink = unary_op<ShrinkFunction, NumericTypes>("Shrink");
const OpDef ThresholdedRelu = unary_op<ThresholdedReluFunction>("ThresholdedRelu");

}  // namespace octet::ops::rectifier
