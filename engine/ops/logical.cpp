#include <type_traits>

#include "engine/ops/common/binary.h"

// Operators with a bool output: comparisons and logic.

namespace octet::ops::logical {
namespace {

using elementwise::binary_op;

template <typename F>
std::optional<Dim> of_difference(const std::vector<Dim>& x, F f) {
  const Dim difference = x[0] - x[1];
  if (!difference.known()) return std::nullopt;
  return Dim(static_cast<int64_t>(f(difference.value(), int64_t{0})));
}

struct EqualFunction {
  static constexpr bool kStrings = true;
  template <typename T>
  bool operator()(T a, T b) const {
    return a == b;
  }
  // A symbol is an extent: it never equals a negative number.
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    const auto negative = [](const Dim& d) { return d.known() && d.value() < 0; };
    if (!(x[0] - x[1]).known() && (negative(x[0]) || negative(x[1]))) return Dim(0);
    return of_difference(x, EqualFunction{});
  }
};

struct GreaterFunction {
  template <typename T>
  bool operator()(T a, T b) const {
    return a > b;
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    return of_difference(x, GreaterFunction{});
  }
};

struct GreaterOrEqualFunction {
  template <typename T>
  bool operator()(T a, T b) const {
    return a >= b;
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    return of_difference(x, GreaterOrEqualFunction{});
  }
};

struct LessFunction {
  template <typename T>
  bool operator()(T a, T b) const {
    return a < b;
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    return of_difference(x, LessFunction{});
  }
};

struct LessOrEqualFunction {
  template <typename T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    return of_difference(x, LessOrEqualFunction{});
  }
};

template <typename F>
std::optional<Dim> of_bools(const std::vector<Dim>& x) {
  if (!all_known(x)) return std::nullopt;
  return Dim(static_cast<int64_t>(F{}(x[0].value() != 0, x[1].value() != 0)));
}

struct AndFunction {
  bool operator()(bool a, bool b) const { return a && b; }
  static std::optional<Dim> element(const std::vector<Dim>& x) { return of_bools<AndFunction>(x); }
};

struct OrFunction {
  bool operator()(bool a, bool b) const { return a || b; }
  static std::optional<Dim> element(const std::vector<Dim>& x) { return of_bools<OrFunction>(x); }
};

struct XorFunction {
  bool operator()(bool a, bool b) const { return a != b; }
  static std::optional<Dim> element(const std::vector<Dim>& x) { return of_bools<XorFunction>(x); }
};

struct NotFunction {
  bool operator()(bool x) const { return !x; }
  static std::optional<Dim> element(const std::vector<Dim>& x) {
    return x[0].known() ? std::optional(Dim(static_cast<int64_t>(x[0].value() == 0)))
                        : std::nullopt;
  }
};

using EqualTypes = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                            uint32_t, uint64_t, bool>;
using Bools = TypeList<bool>;

}  // namespace

extern const OpDef And;
extern const OpDef Equal;
extern const OpDef Greater;
extern const OpDef GreaterOrEqual;
extern const OpDef Less;
extern const OpDef LessOrEqual;
extern const OpDef Not;
extern const OpDef Or;
extern const OpDef Xor;
const OpDef And = binary_op<AndFunction, Bools>("And");
const OpDef Equal = binary_op<EqualFunction, EqualTypes>("Equal");
const OpDef Greater = binary_op<GreaterFunction>("Greater");
const OpDef GreaterOrEqual = binary_op<GreaterOrEqualFunction>("GreaterOrEqual");
const OpDef Less = binary_op<LessFunction>("Less");
const OpDef LessOrEqual = binary_op<LessOrEqualFunction>("LessOrEqual");
const OpDef Not = elementwise::integer_unary_op<NotFunction, Bools>("Not");
const OpDef Or = binary_op<OrFunction, Bools>("Or");
const OpDef Xor = binary_op<XorFunction, Bools>("Xor");

}  // namespace octet::ops::logical
