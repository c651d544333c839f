#include <cmath>

#include "engine/ops/common/elementwise.h"

namespace octet::ops::trigonometry {
namespace {

using elementwise::unary_op;

struct SinFunction {
  static constexpr auto kKernel = kernels::UnaryF32::sin;
  template <typename T>
  T operator()(T x) const {
    return std::sin(x);
  }
};

struct CosFunction {
  static constexpr auto kKernel = kernels::UnaryF32::cos;
  template <typename T>
  T operator()(T x) const {
    return std::cos(x);
  }
};

struct TanFunction {
  template <typename T>
  T operator()(T x) const {
    return std::tan(x);
  }
};

struct AsinFunction {
  template <typename T>
  T operator()(T x) const {
    return std::asin(x);
  }
};

struct AcosFunction {
  template <typename T>
  T operator()(T x) const {
    return std::acos(x);
  }
};

struct AtanFunction {
  template <typename T>
  T operator()(T x) const {
    return std::atan(x);
  }
};

struct SinhFunction {
  template <typename T>
  T operator()(T x) const {
    return std::sinh(x);
  }
};

struct CoshFunction {
  template <typename T>
  T operator()(T x) const {
    return std::cosh(x);
  }
};

struct AsinhFunction {
  template <typename T>
  T operator()(T x) const {
    return std::asinh(x);
  }
};

struct AcoshFunction {
  template <typename T>
  T operator()(T x) const {
    return std::acosh(x);
  }
};

struct AtanhFunction {
  template <typename T>
  T operator()(T x) const {
    return std::atanh(x);
  }
};

}  // namespace

extern const OpDef Acos;
extern const OpDef Acosh;
extern const OpDef Asin;
extern const OpDef Asinh;
extern const OpDef Atan;
extern const OpDef Atanh;
extern const OpDef Cos;
extern const OpDef Cosh;
extern const OpDef Sin;
extern const OpDef Sinh;
extern const OpDef Tan;
const OpDef Acos = unary_op<AcosFunction>("Acos");
const OpDef Acosh = unary_op<AcoshFunction>("Acosh");
const OpDef Asin = unary_op<AsinFunction>("Asin");
const OpDef Asinh = unary_op<AsinhFunction>("Asinh");
const OpDef Atan = unary_op<AtanFunction>("Atan");
const OpDef Atanh = unary_op<AtanhFunction>("Atanh");
const OpDef Cos = unary_op<CosFunction>("Cos");
const OpDef Cosh = unary_op<CoshFunction>("Cosh");
const OpDef Sin = unary_op<SinFunction>("Sin");
const OpDef Sinh = unary_op<SinhFunction>("Sinh");
const OpDef Tan = unary_op<TanFunction>("Tan");

}  // namespace octet::ops::trigonometry
