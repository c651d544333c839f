#include <cmath>
#include <limits>

#include "engine/ops/common/elementwise.h"
#include "kernels/convert/convert.h"

namespace octet::ops::cast {
namespace {

struct CastAttrs {
  int64_t to = 0;
  int64_t saturate = 1;
  static constexpr auto fields() {
    return std::tuple{field("to", &CastAttrs::to, {.required = true}),
                      field("saturate", &CastAttrs::saturate, {.since = 19})};
  }
};

struct CastLikeAttrs {
  int64_t saturate = 1;
  static constexpr auto fields() {
    return std::tuple{field("saturate", &CastLikeAttrs::saturate, {.since = 19})};
  }
};

using CastTypes = TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t,
                           uint32_t, uint64_t, bool, Half, Bfloat16>;

template <typename T>
inline constexpr bool kHalf = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>;

// Towards zero. What ONNX leaves open: NaN gives 0, values past int64 saturate, and narrower types
// keep the low bits.
template <typename To>
To integer_of(double value) {
  if (value != value) return To{};
  if constexpr (std::is_same_v<To, uint64_t>)
    if (value >= 0x1p63) return value >= 0x1p64 ? ~uint64_t{0} : static_cast<uint64_t>(value);
  if (value >= 0x1p63) return static_cast<To>(std::numeric_limits<int64_t>::max());
  if (value < -0x1p63) return static_cast<To>(std::numeric_limits<int64_t>::min());
  return static_cast<To>(static_cast<int64_t>(value));
}

template <typename To, typename From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (kHalf<From>) {
    return convert<To>(to_float(value));
  } else if constexpr (kHalf<To>) {
    return from_float<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return integer_of<To>(static_cast<double>(value));
  } else {
    return static_cast<To>(value);
  }
}

// The conversions that whole models go through have kernels.
bool run_kernel(const TensorView& x, const TensorView& y, RunContext& context) {
  const auto& table = *kernels::select_convert(context.cpu()).table;
  const auto count = static_cast<size_t>(x.count());
  bool done = false;
  visit_dtype(y.dtype, TypeList<Half, Bfloat16>{}, [&]<typename H>() {
    if (x.dtype != DType::f32) return;
    kernels::convert(table, x.as<float>(), y.as<H>(), count, context.parallel());
    done = true;
  });
  visit_dtype(x.dtype, TypeList<Half, Bfloat16>{}, [&]<typename H>() {
    if (y.dtype != DType::f32) return;
    kernels::convert(table, x.as<H>(), y.as<float>(), count, context.parallel());
    done = true;
  });
  return done;
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  if (run_kernel(x, y, context)) return {};
  bool known = false;
  visit_dtype(x.dtype, CastTypes{}, [&]<typename From>() {
    known = visit_dtype(y.dtype, CastTypes{}, [&]<typename To>() {
      elementwise::map<From, To>(x, y, context.parallel(),
                                 [](From value) { return convert<To, From>(value); });
    });
  });
  if (known) return {};
  return unsupported("Cast from " + std::string(dtype_name(x.dtype)) + " to " +
                     std::string(dtype_name(y.dtype)));
}

bool castable(DType dtype) {
  return visit_dtype(dtype, CastTypes{}, []<typename T>() {});
}

Status infer_to(InferContext& context, DType to) {
  const DType from = context.dtype(0);
  if (!castable(to) || (from != DType::undefined && !castable(from)))
    return unsupported("Cast from " + std::string(dtype_name(from)) + " to " +
                       std::string(dtype_name(to)));
  context.set_tensor(0, to, context.input(0).shape);
  const bool wide = to == DType::s64 || to == DType::s32;
  if (wide) {
    infer_same_elements(context);
  } else if (to == DType::boolean) {
    infer_elements(context, context.input(0).shape,
                   [](const std::vector<Dim>& x) -> std::optional<Dim> {
                     if (!x[0].known()) return std::nullopt;
                     return Dim(static_cast<int64_t>(x[0].value() != 0));
                   });
  }
  return {};
}

Status infer_cast(InferContext& context) {
  const int64_t to = context.attrs<CastAttrs>().to;
  if (to <= 0 || to >= kDTypeCount) return unsupported("element type " + std::to_string(to));
  return infer_to(context, static_cast<DType>(to));
}

Status infer_cast_like(InferContext& context) {
  context.set_tensor(0, context.dtype(1), context.input(0).shape);
  return {};
}

// Halves are converted here, in one rounding; quantized inputs are dequantized first.
std::optional<Ports> match(const LowerContext& context) {
  const auto form = [&](const Value& value) {
    return PortForm{value.quant ? PortForm::Storage::real : PortForm::Storage::stored,
                    context.input_layout(0)};
  };
  return Ports{{form(context.input(0)), PortForm{}}, {form(context.output(0))}};
}

constexpr Implementation kRows[] = {
    {.name = "cast", .match = match, .prepare = prepare_function<run>},
    reference<run>(),
};

}  // namespace

extern const OpDef Cast;
extern const OpDef CastLike;
const OpDef Cast = {.domain = "",
                    .name = "Cast",
                    .attrs = attr_codec<CastAttrs>(),
                    .infer = infer_cast,
                    .implementations = kRows};
const OpDef CastLike = {.domain = "",
                        .name = "CastLike",
                        .since = 15,
                        .inputs = {2, 2},
                        .attrs = attr_codec<CastLikeAttrs>(),
                        .infer = infer_cast_like,
                        .implementations = kRows};

}  // namespace octet::ops::cast
