#include <cstring>

#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

namespace octet::ops::constant {
namespace {

struct ConstantAttrs {
  std::optional<Tensor> value;
  std::optional<float> value_float;
  std::optional<std::vector<float>> value_floats;
  std::optional<int64_t> value_int;
  std::optional<std::vector<int64_t>> value_ints;
  std::optional<std::string> value_string;
  std::optional<std::vector<std::string>> value_strings;
  static constexpr auto fields() {
    using A = ConstantAttrs;
    return std::tuple{field("value", &A::value),
                      field("value_float", &A::value_float, {.since = 12}),
                      field("value_floats", &A::value_floats, {.since = 12}),
                      field("value_int", &A::value_int, {.since = 12}),
                      field("value_ints", &A::value_ints, {.since = 12}),
                      field("value_string", &A::value_string, {.since = 12}),
                      field("value_strings", &A::value_strings, {.since = 12})};
  }
};

std::optional<Tensor> tensor_of(const ConstantAttrs& attrs) {
  const auto length = [](const auto& v) { return Dims{static_cast<int64_t>(v.size())}; };
  if (attrs.value) return attrs.value;
  if (attrs.value_float) return Tensor::scalar(*attrs.value_float);
  if (attrs.value_floats) return Tensor::of(length(*attrs.value_floats), *attrs.value_floats);
  if (attrs.value_int) return Tensor::scalar(*attrs.value_int);
  if (attrs.value_ints) return Tensor::of(length(*attrs.value_ints), *attrs.value_ints);
  if (attrs.value_string) return Tensor::strings({}, {*attrs.value_string});
  if (attrs.value_strings)
    return Tensor::strings(length(*attrs.value_strings), *attrs.value_strings);
  return std::nullopt;
}

Status infer(InferContext& context) {
  const auto tensor = tensor_of(context.attrs<ConstantAttrs>());
  if (!tensor) return invalid_model("a Constant without a value");
  context.set_tensor(0, tensor->dtype(), to_shape(tensor->dims()));
  const bool integers = dtype_is_integer(tensor->dtype()) || tensor->dtype() == DType::boolean;
  if (integers && tensor->count() <= 1024) {
    const auto values = tensor->to_int64();
    context.set_elements(0, {values.begin(), values.end()});
  }
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto tensor = tensor_of(attrs.as<ConstantAttrs>());
  const TensorView& y = context.output(0);
  if (tensor->dtype() == DType::string) return unsupported("a Constant of strings");
  if (tensor->dtype() == y.dtype) {
    std::memcpy(y.data, tensor->bytes().data(), tensor->bytes().size());
    return {};
  }
  // Halves leave a real port as float.
  const auto values = tensor->to_float();
  std::memcpy(y.as<float>(), values.data(), values.size() * sizeof(float));
  return {};
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef Constant;
const OpDef Constant = {.domain = "",
                        .name = "Constant",
                        .inputs = {0, 0},
                        .attrs = attr_codec<ConstantAttrs>(),
                        .infer = infer,
                        .implementations = kRows};

}  // namespace octet::ops::constant
