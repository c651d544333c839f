#include <cmath>
#include <type_traits>

#include "engine/ops/common/elementwise.h"

namespace octet::ops::rounding {
namespace {

using elementwise::unary_op;
using kernels::UnaryF32;

template <typename T>
T negated(T x) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(std::make_unsigned_t<T>(0) - static_cast<std::make_unsigned_t<T>>(x));
  else
    return -x;
}

struct AbsFunction {
  static constexpr auto kKernel = UnaryF32::abs;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>)
      return std::fabs(x);
    else
      return x < T{} ? negated(x) : x;
  }
};

struct NegFunction {
  static constexpr auto kKernel = UnaryF32::neg;
  static constexpr bool kQuantized = true;
  template <typename T>
  T operator()(T x) const {
    return negated(x);
  }
  static std::optional<Dim> element(const std::vector<Dim>& x) { return Dim(0) - x[0]; }
};

struct FloorFunction {
  static constexpr auto kKernel = UnaryF32::floor;
  template <typename T>
  T operator()(T x) const {
    return std::floor(x);
  }
};

struct CeilFunction {
  static constexpr auto kKernel = UnaryF32::ceil;
  template <typename T>
  T operator()(T x) const {
    return std::ceil(x);
  }
};

struct RoundFunction {
  static constexpr auto kKernel = UnaryF32::round;
  template <typename T>
  T operator()(T x) const {
    return std::nearbyint(x);
  }
};

struct SignFunction {
  template <typename T>
  T operator()(T x) const {
    return static_cast<T>(static_cast<int>(x > T{}) - static_cast<int>(x < T{}));
  }
};

using SignedTypes = TypeList<float, double, int32_t, int64_t, int8_t, int16_t>;

}  // namespace

extern const OpDef Abs;
extern const OpDef Ceil;
extern const OpDef Floor;
extern const OpDef Neg;
extern const OpDef Round;
extern const OpDef Sign;
const OpDef Abs = unary_op<AbsFunction, NumericTypes>("Abs");
const OpDef Ceil = unary_op<CeilFunction>("Ceil");
const OpDef Floor = unary_op<FloorFunction>("Floor");
const OpDef Neg = unary_op<NegFunction, SignedTypes>("Neg");
const OpDef Round = unary_op<RoundFunction>("Round");
const OpDef Sign = unary_op<SignFunction, NumericTypes>("Sign");

}  // namespace octet::ops::rounding
