#include "engine/ops/common/quantize_ports.h"

#include <limits>

#include "engine/ir/small_float.h"

namespace octet::ops {

std::optional<kernels::Element> kernel_element(DType type) {
  using kernels::Element;
  switch (type) {
    case DType::u8: return Element::u8;
    case DType::s8: return Element::s8;
    case DType::u16: return Element::u16;
    case DType::s16: return Element::s16;
    case DType::s32: return Element::s32;
    case DType::f32: return Element::f32;
    default: return std::nullopt;
  }
}

kernels::CodeRounding code_rounding(const QuantType& quant) {
  const CodeLimits limits = code_limits(quant.storage);
  return {quant.tensor_scale().v, quant.tensor_zero_point().v, limits.low, limits.high};
}

CodeLimits code_limits(DType type) {
  switch (type) {
    case DType::u2: return {0, 3};
    case DType::s2: return {-2, 1};
    case DType::u4: return {0, 15};
    case DType::s4: return {-8, 7};
    case DType::u8: return {0, 255};
    case DType::s8: return {-128, 127};
    case DType::u16: return {0, 65535};
    case DType::s16: return {-32768, 32767};
    default: return {};
  }
}

int64_t read_code(const TensorView& view, size_t i) {
  if (dtype_is_packed_integer(view.dtype)) return read_packed(view.dtype, view.data, i);
  int64_t code = 0;
  visit_dtype(view.dtype, IntegerTypes{},
              [&]<typename T>() { code = static_cast<int64_t>(view.as<T>()[i]); });
  return code;
}

void write_code(const TensorView& view, size_t i, int64_t code) {
  if (dtype_is_packed_integer(view.dtype)) {
    write_bits(view.dtype, view.data, i, static_cast<uint8_t>(code));
    return;
  }
  visit_dtype(view.dtype, IntegerTypes{},
              [&]<typename T>() { view.as<T>()[i] = static_cast<T>(code); });
}

float real_code(const TensorView& view, size_t i) {
  if (dtype_is_small_float(view.dtype))
    return small_float_value(view.dtype, read_bits(view.dtype, view.data, i));
  return static_cast<float>(read_code(view, i));
}

ChannelSplit channel_split(const Dims& dims, int64_t axis, size_t scales) {
  ChannelSplit split;
  const size_t at =
      scales == 1 ? dims.size() : normalize_axis(axis, dims.size()).value_or(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    const auto extent = static_cast<size_t>(dims[i]);
    if (at == dims.size())
      split.inner *= extent;
    else
      (i < at ? split.outer : (i == at ? split.channels : split.inner)) *= extent;
  }
  return split;
}

// One zero point for each scale.
static Status check_zero_points(const InferContext& context) {
  if (!context.has_input(2) || !context.has_rank(1) || !context.has_rank(2)) return {};
  const Dim scales = element_count(context.shape(1));
  const Dim zero_points = element_count(context.shape(2));
  if (!scales.known() || !zero_points.known() || scales == zero_points) return {};
  return invalid_model("zero points of {} don't fit scales of {}", to_string(context.shape(2)),
                       to_string(context.shape(1)));
}

Status check_scale(const InferContext& context, int64_t axis, int64_t block_size) {
  OCTET_RETURN_IF_ERROR(check_zero_points(context));
  if (block_size < 0) return invalid_model("block_size {}", block_size);
  if (!context.has_rank(0) || !context.has_rank(1)) return {};
  const Shape& x = context.shape(0);
  const Shape& scale = context.shape(1);
  if (block_size > 0) {
    OCTET_ASSIGN(const size_t at, context.axis(axis, x.size()));
    Shape expected = x;
    expected[at] = ceil_div(x[at], Dim(block_size));
    if (all_known(expected) && all_known(scale) && scale != expected)
      return invalid_model("scales of {} don't fit blocks of {}", to_string(scale), to_string(x));
    return {};
  }
  const bool single = scale.empty() || (scale.size() == 1 && scale[0] == Dim(1));
  if (single) return {};
  if (scale.size() != 1) return invalid_model("scales of {}", to_string(scale));
  OCTET_ASSIGN(const size_t at, context.axis(axis, x.size()));
  if (x[at].known() && scale[0].known() && x[at] != scale[0])
    return invalid_model("scales of {} don't fit axis {} of {}", to_string(scale), axis,
                         to_string(x));
  return {};
}

const int32_t* widened_zero_points(const RunContext& context, size_t input,
                                   std::span<std::byte> memory) {
  if (!context.has_input(input)) return nullptr;
  const TensorView& zero = context.input(input);
  auto* out = reinterpret_cast<int32_t*>(memory.data());
  const auto count = static_cast<size_t>(zero.count());
  assert(memory.size() >= count * sizeof(int32_t));
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<int32_t>(read_code(zero, i));
  return out;
}

}  // namespace octet::ops
