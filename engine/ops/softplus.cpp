#include <algorithm>
#include <cmath>

#include "engine/ops/common/elementwise.h"

// Smooth activations without a known range.

namespace octet::ops::softplus {
namespace {

using elementwise::unary_op;
using kernels::UnaryF32;

template <typename T>
T softplus(T x) {
  return std::max(x, T{}) + std::log1p(std::exp(-std::fabs(x)));
}

struct SoftplusFunction {
  static constexpr auto kKernel = UnaryF32::softplus;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return softplus(x);
  }
};

struct SoftsignFunction {
  static constexpr auto kKernel = UnaryF32::softsign;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x / (T(1) + std::fabs(x));
  }
};

struct MishFunction {
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return x * std::tanh(softplus(x));
  }
};

struct GeluFunction {
  std::string approximate = "none";
  static constexpr auto fields() {
    return std::tuple{field("approximate", &GeluFunction::approximate)};
  }
  bool tanh() const { return approximate == "tanh"; }
  template <typename T>
  T operator()(T x) const {
    constexpr double kRootHalf = 0.70710678118654752440;
    constexpr double kRootTwoOverPi = 0.79788456080286535588;
    if (tanh())
      return T(0.5) * x * (T(1) + std::tanh(T(kRootTwoOverPi) * (x + T(0.044715) * x * x * x)));
    return T(0.5) * x * (T(1) + std::erf(x * T(kRootHalf)));
  }
};

// One struct has two kernels: the attribute chooses.
Status run_gelu(const Attrs& attrs, RunContext& context) {
  if (context.input(0).dtype != DType::f32)
    return elementwise::run_unary<GeluFunction, FloatTypes>(attrs, context);
  kernels::UnaryF32Args args;
  args.function = attrs.as<GeluFunction>().tanh() ? UnaryF32::gelu_tanh : UnaryF32::gelu_erf;
  elementwise::run_kernel(args, context.input(0), context.output(0), context);
  return {};
}

Status infer_gelu(InferContext& context) {
  const auto& mode = context.attrs<GeluFunction>().approximate;
  if (mode != "none" && mode != "tanh") return unsupported("approximate '{}'", mode);
  return infer_same(context);
}

constexpr Implementation kGeluRows[] = {
    {.name = "lut_s8", .match = match_lut, .prepare = elementwise::prepare_unary_lut<GeluFunction>},
    {.name = "elementwise_f32", .match = match_keep_layout, .prepare = prepare_function<run_gelu>},
    reference<run_gelu>(),
};

}  // namespace

extern const OpDef Gelu;
extern const OpDef Mish;
extern const OpDef Softplus;
extern const OpDef Softsign;
const OpDef Gelu = {.domain = "",
                    .name = "Gelu",
                    .since = 20,
                    .attrs = attr_codec<GeluFunction>(),
                    .infer = infer_gelu,
                    .alias = {AliasRule::Kind::in_place},
                    .quant = elementwise::quant_follow,
                    .implementations = kGeluRows};
const OpDef Mish = unary_op<MishFunction>("Mish");
const OpDef Softplus = unary_op<SoftplusFunction>("Softplus");
const OpDef Softsign = unary_op<SoftsignFunction>("Softsign");

}  // namespace octet::ops::softplus
