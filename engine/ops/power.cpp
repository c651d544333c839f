#include <cmath>
#include <type_traits>

#include "engine/ops/common/binary.h"
#include "engine/ops/common/real.h"

namespace octet::ops::power {
namespace {

using PowTypes = TypeList<float, double, int32_t, int64_t>;

// Exact for integers with exponents that aren't negative; wraps around.
template <typename T>
T integer_power(T base, uint64_t exponent) {
  std::make_unsigned_t<T> result = 1;
  auto square = static_cast<std::make_unsigned_t<T>>(base);
  for (; exponent != 0; exponent >>= 1, square *= square)
    if ((exponent & 1U) != 0) result *= square;
  return static_cast<T>(result);
}

template <typename T, typename E>
T power(T base, E exponent) {
  if constexpr (std::is_integral_v<T> && std::is_integral_v<E>)
    if (exponent >= E{}) return integer_power(base, static_cast<uint64_t>(exponent));
  if constexpr (std::is_same_v<T, float>) return std::pow(base, static_cast<float>(exponent));
  const double result = std::pow(static_cast<double>(base), static_cast<double>(exponent));
  if constexpr (std::is_integral_v<T>)
    return integer_of<T>(result);
  else
    return static_cast<T>(result);
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& e = context.input(1);
  const TensorView& y = context.output(0);
  const bool floats = x.dtype == DType::f32 && e.dtype == DType::f32;
  if (floats && elementwise::run_kernel(kernels::BinaryF32::pow, x, e, y, context)) return {};
  bool known = false;
  visit_dtype(x.dtype, PowTypes{}, [&]<typename T>() {
    known = visit_dtype(e.dtype, NumericTypes{}, [&]<typename E>() {
      elementwise::zip<T, E, T>(x, e, y, context.parallel(),
                                [](T base, E exponent) { return power(base, exponent); });
    });
  });
  return known ? Status{} : elementwise::no_type(context, x.dtype);
}

constexpr Implementation kRows[] = {
    {.name = "elementwise_f32", .match = match_broadcast_layout, .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef Pow;
const OpDef Pow = {.domain = "",
                   .name = "Pow",
                   .inputs = {2, 2},
                   .infer = infer_broadcast,
                   .implementations = kRows};

}  // namespace octet::ops::power
