#include <array>
#include <cstring>

#include "engine/ops/common/elements.h"
#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

namespace octet::ops::constant_of_shape {
namespace {

struct ConstantOfShapeAttrs {
  std::optional<Tensor> value;
  static constexpr auto fields() {
    return std::tuple{field("value", &ConstantOfShapeAttrs::value)};
  }
};

Status infer(InferContext& context) {
  const auto& value = context.attrs<ConstantOfShapeAttrs>().value;
  if (value && value->count() != 1) return invalid_model("'value' isn't one element");
  const DType dtype = value ? value->dtype() : DType::f32;
  std::optional<Shape> shape;
  if (const auto* elements = context.elements(0)) {
    shape = *elements;
  } else {
    OCTET_ASSIGN(const auto rank, extent_count(context, 0));
    if (rank)
      for (shape.emplace(); shape->size() < *rank;) shape->push_back(Dim::fresh());
  }
  if (shape)
    for (const Dim& dim : *shape)
      if (dim.known() && dim.value() < 0) return invalid_model("the shape has a negative extent");
  context.set_tensor(0, dtype, shape);
  const auto dims = small_dims(shape);
  if (dims && value && (dtype_is_integer(dtype) || dtype == DType::boolean))
    context.set_elements(
        0, std::vector<Dim>(static_cast<size_t>(*checked_count(*dims)), Dim(value->to_int64()[0])));
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& y = context.output(0);
  const auto& value = attrs.as<ConstantOfShapeAttrs>().value;
  OCTET_ASSIGN(const size_t bytes, element_bytes(y.dtype));
  std::array<std::byte, 16> element{};  // the widest type
  if (value && value->dtype() == y.dtype) {
    std::memcpy(element.data(), value->bytes().data(), bytes);
  } else if (value) {
    const float widened = value->to_float()[0];
    std::memcpy(element.data(), &widened, bytes);
  }
  copy_strided(y.data, row_major_steps(y.dims), element.data(), Steps(y.rank(), 0), y.dims, bytes,
               context.parallel());
  return {};
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef ConstantOfShape;
const OpDef ConstantOfShape = {.domain = "",
                               .name = "ConstantOfShape",
                               .since = 9,
                               .attrs = attr_codec<ConstantOfShapeAttrs>(),
                               .infer = infer,
                               .implementations = kRows};

}  // namespace octet::ops::constant_of_shape
