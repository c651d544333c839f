#include <cmath>
#include <limits>

#include "engine/ir/small_float.h"
#include "engine/ops/common/element_conversion.h"
#include "engine/ops/common/elements.h"
#include "engine/ops/common/ports.h"
#include "engine/ops/common/strings.h"
#include "engine/ops/common/text_numbers.h"
#include "kernels/convert/convert.h"

namespace octet::ops::cast {
namespace {

struct CastAttrs {
  int64_t to = 0;
  int64_t saturate = 1;
  std::string round_mode = "up";
  static constexpr auto fields() {
    return std::tuple{field("to", &CastAttrs::to, {.required = true}),
                      field("saturate", &CastAttrs::saturate, {.since = 19}),
                      field("round_mode", &CastAttrs::round_mode, {.since = 24})};
  }
};

struct CastLikeAttrs {
  int64_t saturate = 1;
  std::string round_mode = "up";
  static constexpr auto fields() {
    return std::tuple{field("saturate", &CastLikeAttrs::saturate, {.since = 19}),
                      field("round_mode", &CastLikeAttrs::round_mode, {.since = 24})};
  }
};

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

// The type that stands for a small one while it is converted: float8 and float4 become float, to
// come from double so that they are rounded once; packed integers become bytes, whose low bits they
// keep.
DType wide_type(DType type, bool target) {
  if (dtype_is_small_float(type)) return target ? DType::f64 : DType::f32;
  if (dtype_is_packed_integer(type))
    return type == DType::s4 || type == DType::s2 ? DType::s8 : DType::u8;
  return type;
}

void widen(const TensorView& from, Tensor& to) {
  for (size_t i = 0; i < to.count(); ++i) {
    if (to.dtype() == DType::f32)
      to.writable_as<float>()[i] =
          small_float_value(from.dtype, read_bits(from.dtype, from.data, i));
    else
      to.writable()[i] = static_cast<std::byte>(read_packed(from.dtype, from.data, i));
  }
}

void narrow(const Tensor& from, const TensorView& to, bool saturate, PowerRounding rounding) {
  for (size_t i = 0; i < from.count(); ++i) {
    const uint8_t bits = from.dtype() == DType::f64
                             ? small_float_bits(to.dtype, from.as<double>()[i], saturate, rounding)
                             : static_cast<uint8_t>(from.bytes()[i]);
    write_bits(to.dtype, to.data, i, bits);
  }
}

Status run_plain(const TensorView& x, const TensorView& y, RunContext& context) {
  if (run_kernel(x, y, context) || convert_elements(x, y, context.parallel())) return {};
  return unsupported("Cast from {} to {}", dtype_name(x.dtype), dtype_name(y.dtype));
}

TensorView view_of(Tensor& tensor) { return {tensor.dtype(), tensor.dims(), tensor.writable()}; }

Status print(const TensorView& x, RunContext& context) {
  std::vector<std::string> texts;
  Status status = unsupported("Cast from {} to string", dtype_name(x.dtype));
  visit_dtype(x.dtype, NumericTypes{}, [&]<typename T>() {
    for (int64_t i = 0; i < x.count(); ++i) texts.push_back(number_text(x.as<T>()[i]));
    status = context.set_boxed(0, Tensor::strings(x.dims, std::move(texts)));
  });
  return status;
}

// What the text says of a T, by way of what numbers are read as.
template <typename T>
std::optional<T> parsed(const std::string& text) {
  if constexpr (std::is_same_v<T, bool>) {
    const auto number = number_of_text<int64_t>(text);
    return number ? std::optional(*number != 0) : std::nullopt;
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>) {
    const auto number = number_of_text<float>(text);
    return number ? std::optional(from_float<T>(*number)) : std::nullopt;
  } else {
    return number_of_text<T>(text);
  }
}

Status parse(const std::vector<std::string>& texts, const TensorView& y) {
  Status status;
  const bool known = visit_dtype(y.dtype,
                                 TypeList<float, double, Half, Bfloat16, int32_t, int64_t, int8_t,
                                          uint8_t, int16_t, uint16_t, uint32_t, uint64_t, bool>{},
                                 [&]<typename T>() {
                                   for (size_t i = 0; i < texts.size() && status; ++i) {
                                     const auto number = parsed<T>(texts[i]);
                                     if (number)
                                       y.as<T>()[i] = *number;
                                     else
                                       status = invalid_data("'{}' is no number", texts[i]);
                                   }
                                 });
  return known ? std::move(status) : unsupported("Cast from string to {}", dtype_name(y.dtype));
}

PowerRounding rounding_of(const std::string& mode) {
  if (mode == "down") return PowerRounding::down;
  return mode == "nearest" ? PowerRounding::nearest : PowerRounding::up;
}

// Elements of types below 8 bits and of small floats go by way of wider ones.
Status run_widened(TensorView x, const TensorView& y, bool saturate, PowerRounding rounding,
                   RunContext& context) {
  Tensor wide_x;
  Tensor wide_y;
  if (const DType wide = wide_type(x.dtype, false); wide != x.dtype) {
    OCTET_ASSIGN(wide_x, Tensor::zeros(wide, x.dims));
    widen(x, wide_x);
    x = view_of(wide_x);
  }
  const DType wide = wide_type(y.dtype, true);
  if (wide == y.dtype) return run_plain(x, y, context);
  OCTET_ASSIGN(wide_y, Tensor::zeros(wide, y.dims));
  OCTET_RETURN_IF_ERROR(run_plain(x, view_of(wide_y), context));
  narrow(wide_y, y, saturate, rounding);
  return {};
}

template <typename A>
Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  if (y.dtype == DType::string && x.dtype == DType::string) return context.set_boxed(0, *x.boxed);
  if (y.dtype == DType::string) return print(x, context);
  if (x.dtype == DType::string) return parse(strings_of(context, 0), y);
  if (wide_type(x.dtype, false) == x.dtype && wide_type(y.dtype, true) == y.dtype)
    return run_plain(x, y, context);
  return run_widened(x, y, attrs.as<A>().saturate != 0, rounding_of(attrs.as<A>().round_mode),
                     context);
}

bool castable(DType dtype) {
  return dtype == DType::string || is_convertible(wide_type(dtype, false));
}

Status infer_to(InferContext& context, DType to, const std::string& round_mode) {
  const DType from = context.dtype(0);
  if (!castable(to) || (from != DType::undefined && !castable(from)))
    return unsupported("Cast from {} to {}", dtype_name(from), dtype_name(to));
  if (round_mode != "up" && round_mode != "down" && round_mode != "nearest")
    return invalid_model("round_mode '{}'", round_mode);
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
  if (to <= 0 || to >= kDTypeCount) return unsupported("element type {}", to);
  return infer_to(context, static_cast<DType>(to), context.attrs<CastAttrs>().round_mode);
}

Status infer_cast_like(InferContext& context) {
  return infer_to(context, context.dtype(1), context.attrs<CastLikeAttrs>().round_mode);
}

// Halves are converted here, in one rounding; quantized inputs are dequantized first.
std::optional<Ports> match(const LowerContext& context) {
  const auto small = [](const Value& value) {
    return value.type.boxed() || wide_type(value.type.dtype, false) != value.type.dtype;
  };
  const Value& x = context.input(0);
  const Value& y = context.output(0);
  const Layout layout = small(x) || small(y) ? Layout::row_major : context.input_layout(0);
  const auto form = [&](const Value& value) {
    return PortForm{value.quant ? PortForm::Storage::real : PortForm::Storage::stored, layout};
  };
  return Ports{{form(x), PortForm{PortForm::Storage::stored}}, {form(y)}};
}

template <typename A>
constexpr Implementation kRows[] = {
    {.name = "cast", .match = match, .prepare = prepare_function<run<A>>},
    reference<run<A>>(),
};

}  // namespace

extern const OpDef Cast;
extern const OpDef CastLike;
const OpDef Cast = {.domain = "",
                    .name = "Cast",
                    .attrs = attr_codec<CastAttrs>(),
                    .infer = infer_cast,
                    .implementations = kRows<CastAttrs>};
const OpDef CastLike = {.domain = "",
                        .name = "CastLike",
                        .since = 15,
                        .inputs = {2, 2},
                        .attrs = attr_codec<CastLikeAttrs>(),
                        .infer = infer_cast_like,
                        .implementations = kRows<CastLikeAttrs>};

}  // namespace octet::ops::cast
