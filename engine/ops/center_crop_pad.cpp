#include <algorithm>
#include <cstring>

#include "engine/ops/common/movement.h"

namespace octet::ops::center_crop_pad {
namespace {

struct CenterCropPadAttrs {
  std::optional<std::vector<int64_t>> axes;
  static constexpr auto fields() { return std::tuple{field("axes", &CenterCropPadAttrs::axes)}; }
};

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  Shape out = context.shape(0);
  const auto& axes = context.attrs<CenterCropPadAttrs>().axes;
  const auto* wanted = context.elements(1);
  const size_t count = axes ? axes->size() : out.size();
  if (wanted != nullptr && wanted->size() != count)
    return invalid_model("the shape doesn't have an entry an axis");
  for (size_t i = 0; i < count; ++i) {
    OCTET_ASSIGN(const size_t axis,
                 context.axis(axes ? (*axes)[i] : static_cast<int64_t>(i), out.size()));
    out[axis] = wanted != nullptr ? (*wanted)[i] : Dim::fresh();
  }
  context.set_tensor(0, context.dtype(0), std::move(out));
  return {};
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  std::memset(y.data, 0, y.bytes().size());
  const Steps x_steps = steps_of(x);
  const Steps y_steps = steps_of(y);
  Dims dims;
  int64_t from = 0;
  int64_t to = 0;
  for (size_t a = 0; a < x.rank(); ++a) {
    const int64_t difference = x.dims[a] - y.dims[a];
    dims.push_back(std::min(x.dims[a], y.dims[a]));
    // Odd differences leave the larger part behind.
    if (difference > 0) from += difference / 2 * x_steps[a];
    if (difference < 0) to += -difference / 2 * y_steps[a];
  }
  const auto size = static_cast<int64_t>(bytes);
  if (checked_count(dims).value_or(0) > 0)
    copy_strided(y.data + to * size, y_steps, x.data + from * size, x_steps, dims, bytes,
                 context.parallel());
  return {};
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef CenterCropPad;
const OpDef CenterCropPad = {.domain = "",
                             .name = "CenterCropPad",
                             .since = 18,
                             .inputs = {2, 2},
                             .attrs = attr_codec<CenterCropPadAttrs>(),
                             .infer = infer,
                             .implementations = kRows};

}  // namespace octet::ops::center_crop_pad
