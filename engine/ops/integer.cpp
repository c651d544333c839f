#include <cmath>
#include <type_traits>

#include "engine/ops/common/binary.h"

// Operators on integers and their bits; Mod takes floats as well.

namespace octet::ops::integer {
namespace {

using elementwise::binary_op;
using elementwise::zip;

struct AndFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};

struct OrFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};

struct XorFunction {
  template <typename T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};

struct NotFunction {
  template <typename T>
  T operator()(T x) const {
    return static_cast<T>(~x);
  }
};

struct BitShiftAttrs {
  std::string direction;
  static constexpr auto fields() {
    return std::tuple{field("direction", &BitShiftAttrs::direction, {.required = true})};
  }
};

Status infer_shift(InferContext& context) {
  const auto& direction = context.attrs<BitShiftAttrs>().direction;
  if (direction != "LEFT" && direction != "RIGHT")
    return invalid_model("direction '{}'", direction);
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  return infer_broadcast(context);
}

// To the right the sign is kept. A shift by the width or more, or by a negative count, leaves
// nothing but the sign.
template <typename T>
T shifted(T value, T count, bool left) {
  const auto rest = static_cast<T>(value < 0 && !left ? -1 : 0);
  if (count < 0 || static_cast<uint64_t>(count) >= sizeof(T) * 8) return rest;
  return static_cast<T>(left ? static_cast<uint64_t>(value) << count : value >> count);
}

Status run_shift(const Attrs& attrs, RunContext& context) {
  const bool left = attrs.as<BitShiftAttrs>().direction == "LEFT";
  const DType dtype = context.input(0).dtype;
  const bool known = visit_dtype(dtype, IntegerTypes{}, [&]<typename T>() {
    zip<T, T, T>(context.input(0), context.input(1), context.output(0), context.parallel(),
                 [left](T a, T b) { return shifted(a, b, left); });
  });
  return known ? Status{} : elementwise::no_type(context, dtype);
}

struct ModAttrs {
  int64_t fmod = 0;
  static constexpr auto fields() { return std::tuple{field("fmod", &ModAttrs::fmod)}; }
};

// With fmod the sign is the dividend's, without it the divisor's. A remainder of division by zero
// has no meaning for integers: 0.
template <typename T>
T remainder(T a, T b, bool fmod) {
  if constexpr (std::is_floating_point_v<T>) {
    const T rest = std::fmod(a, b);
    if (fmod) return rest;
    if (rest == T{}) return std::copysign(rest, b);
    return (rest < T{}) == (b < T{}) || std::isnan(rest) ? rest : rest + b;
  } else {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>)
      if (b == T(-1)) return 0;
    const T rest = static_cast<T>(a % b);
    return fmod || rest == 0 || (rest < 0) == (b < 0) ? rest : static_cast<T>(rest + b);
  }
}

Status infer_mod(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  OCTET_ASSIGN(const auto shape, broadcast_shape(context));
  context.set_tensor(0, context.dtype(0), shape);
  // Extents aren't negative, so both signs agree.
  infer_elements(context, shape, [](const std::vector<Dim>& x) -> std::optional<Dim> {
    if (!x[1].known() || x[1].value() <= 0) return std::nullopt;
    if (x[0].known() && x[0].value() < 0) return std::nullopt;
    return x[0] - floor_div(x[0], x[1]) * x[1];
  });
  return {};
}

Status run_mod(const Attrs& attrs, RunContext& context) {
  const bool fmod = attrs.as<ModAttrs>().fmod != 0;
  const DType dtype = context.input(0).dtype;
  const bool known = visit_dtype(dtype, NumericTypes{}, [&]<typename T>() {
    zip<T, T, T>(context.input(0), context.input(1), context.output(0), context.parallel(),
                 [fmod](T a, T b) { return remainder(a, b, fmod); });
  });
  return known ? Status{} : elementwise::no_type(context, dtype);
}

constexpr Implementation kShiftRows[] = {reference<run_shift>()};
constexpr Implementation kModRows[] = {reference<run_mod>()};

constexpr OpDef since(OpDef op, int opset) {
  op.since = opset;
  return op;
}

}  // namespace

extern const OpDef BitShift;
extern const OpDef BitwiseAnd;
extern const OpDef BitwiseNot;
extern const OpDef BitwiseOr;
extern const OpDef BitwiseXor;
extern const OpDef Mod;
const OpDef BitShift = {.domain = "",
                        .name = "BitShift",
                        .since = 11,
                        .inputs = {2, 2},
                        .attrs = attr_codec<BitShiftAttrs>(),
                        .infer = infer_shift,
                        .implementations = kShiftRows};
const OpDef BitwiseAnd = since(binary_op<AndFunction, IntegerTypes>("BitwiseAnd"), 18);
const OpDef BitwiseNot =
    since(elementwise::integer_unary_op<NotFunction, IntegerTypes>("BitwiseNot"), 18);
const OpDef BitwiseOr = since(binary_op<OrFunction, IntegerTypes>("BitwiseOr"), 18);
const OpDef BitwiseXor = since(binary_op<XorFunction, IntegerTypes>("BitwiseXor"), 18);
const OpDef Mod = {.domain = "",
                   .name = "Mod",
                   .since = 10,
                   .inputs = {2, 2},
                   .attrs = attr_codec<ModAttrs>(),
                   .infer = infer_mod,
                   .implementations = kModRows};

}  // namespace octet::ops::integer
