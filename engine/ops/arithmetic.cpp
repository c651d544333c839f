#include <cmath>
#include <limits>
#include <type_traits>

#include "engine/ops/common/binary.h"

namespace octet::ops::arithmetic {
namespace {

using elementwise::binary_op;

// Integers wrap around; narrow types are computed in int and narrowed.
template <typename T, typename F>
T wrapping(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<std::common_type_t<T, int>>;
    return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
  } else {
    return f(a, b);
  }
}

struct AddFunction {
  static constexpr auto kKernel = kernels::BinaryF32::add;
  static constexpr auto kCodes = CodeFunction::add;
  template <typename T>
  T operator()(T a, T b) const {
    return wrapping(a, b, [](auto x, auto y) { return x + y; });
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) { return x[0] + x[1]; }
};

struct SubFunction {
  static constexpr auto kKernel = kernels::BinaryF32::sub;
  static constexpr auto kCodes = CodeFunction::sub;
  template <typename T>
  T operator()(T a, T b) const {
    return wrapping(a, b, [](auto x, auto y) { return x - y; });
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) { return x[0] - x[1]; }
};

struct MulFunction {
  static constexpr auto kKernel = kernels::BinaryF32::mul;
  static constexpr auto kCodes = CodeFunction::mul;
  template <typename T>
  T operator()(T a, T b) const {
    return wrapping(a, b, [](auto x, auto y) { return x * y; });
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) { return x[0] * x[1]; }
};

// A quotient by zero has no meaning for integers: 0, as NumPy gives.
struct DivFunction {
  static constexpr auto kKernel = kernels::BinaryF32::div;
  template <typename T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      if (b == 0) return 0;
      if constexpr (std::is_signed_v<T>)
        if (b == T(-1)) return SubFunction{}(T(0), a);
      return static_cast<T>(a / b);
    } else {
      return a / b;
    }
  }
  // Symbols stand for extents, which aren't negative: truncation is the floor.
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    if (x[1] == Dim(0)) return std::nullopt;
    if (all_known(x)) return Dim(DivFunction{}(x[0].value(), x[1].value()));
    return floor_div(x[0], x[1]);
  }
};

}  // namespace

extern const OpDef Add;
extern const OpDef Div;
extern const OpDef Mul;
extern const OpDef Sub;
const OpDef Add = binary_op<AddFunction>("Add");
const OpDef Div = binary_op<DivFunction>("Div");
const OpDef Mul = binary_op<MulFunction>("Mul");
const OpDef Sub = binary_op<SubFunction>("Sub");

}  // namespace octet::ops::arithmetic
