#include <cmath>

#include "engine/ops/common/elementwise.h"

namespace octet::ops::exponential {
namespace {

using elementwise::unary_op;
using kernels::UnaryF32;

struct ExpFunction {
  static constexpr auto kKernel = UnaryF32::exp;
  template <typename T>
  T operator()(T x) const {
    return std::exp(x);
  }
};

struct LogFunction {
  static constexpr auto kKernel = UnaryF32::log;
  template <typename T>
  T operator()(T x) const {
    return std::log(x);
  }
};

struct SqrtFunction {
  static constexpr auto kKernel = UnaryF32::sqrt;
  template <typename T>
  T operator()(T x) const {
    return std::sqrt(x);
  }
};

struct ReciprocalFunction {
  static constexpr auto kKernel = UnaryF32::reciprocal;
  template <typename T>
  T operator()(T x) const {
    return T(1) / x;
  }
};

struct ErfFunction {
  static constexpr auto kKernel = UnaryF32::erf;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return static_cast<T>(std::erf(x));
  }
};

}  // namespace

extern const OpDef Erf;
extern const OpDef Exp;
extern const OpDef Log;
extern const OpDef Reciprocal;
extern const OpDef Sqrt;
const OpDef Erf = unary_op<ErfFunction, NumericTypes>("Erf");
const OpDef Exp = unary_op<ExpFunction>("Exp");
const OpDef Log = unary_op<LogFunction>("Log");
const OpDef Reciprocal = unary_op<ReciprocalFunction>("Reciprocal");
const OpDef Sqrt = unary_op<SqrtFunction>("Sqrt");

}  // namespace octet::ops::exponential
