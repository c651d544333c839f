#include "engine/ops/common/elements.h"

#include <algorithm>

namespace octet {

std::optional<std::vector<int64_t>> small_dims(const std::optional<Shape>& shape) {
  if (!shape || !all_known(*shape)) return std::nullopt;
  auto dims = known_dims(*shape);
  const auto count = checked_count(dims);
  if (!count || *count > kMaxInferredElements) return std::nullopt;
  return dims;
}

Result<std::optional<Shape>> broadcast_shape(const InferContext& context) {
  std::optional<Shape> shape;
  for (size_t i = 0; i < context.input_count(); ++i) {
    if (!context.has_rank(i)) return std::optional<Shape>();
    const Shape& next = context.shape(i);
    auto joined = i == 0 ? next : broadcast(*shape, next);
    if (!joined)
      return invalid_model("shapes {} and {} don't broadcast", to_string(*shape), to_string(next));
    shape = std::move(joined);
  }
  return shape;
}

void infer_elements(InferContext& context, const std::optional<Shape>& shape, ElementFunction f) {
  const auto dims = small_dims(shape);
  if (!dims) return;
  const size_t count = static_cast<size_t>(*checked_count(*dims));
  std::vector<const std::vector<Dim>*> inputs;
  std::vector<std::vector<int64_t>> input_dims;
  for (size_t i = 0; i < context.input_count(); ++i) {
    inputs.push_back(context.elements(i));
    auto own = small_dims(context.input(i).shape);
    if (inputs.back() == nullptr || !own) return;
    input_dims.push_back(std::move(*own));
  }
  std::vector<Dim> out;
  out.reserve(count);
  std::vector<Dim> arguments(inputs.size());
  for (size_t flat = 0; flat < count; ++flat) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const auto& own = input_dims[i];
      auto rest = static_cast<int64_t>(flat);
      int64_t at = 0;
      int64_t step = 1;
      for (size_t a = dims->size(); a-- > 0; rest /= (*dims)[a]) {
        const size_t shift = dims->size() - own.size();
        if (a < shift) break;
        const int64_t extent = own[a - shift];
        if (extent != 1) at += rest % (*dims)[a] * step;
        step *= extent;
      }
      arguments[i] = (*inputs[i])[static_cast<size_t>(at)];
    }
    auto value = f(arguments);
    if (!value) return;
    out.push_back(std::move(*value));
  }
  context.set_elements(0, std::move(out));
}

void infer_same_elements(InferContext& context) {
  if (const auto* elements = context.elements(0)) context.set_elements(0, *elements);
}

Result<std::optional<size_t>> extent_count(const InferContext& context, size_t i) {
  constexpr int64_t kMost = 64;
  if (!context.has_rank(i) || context.shape(i).size() != 1 || !context.shape(i)[0].known())
    return std::optional<size_t>();
  const int64_t count = context.shape(i)[0].value();
  if (count > kMost)
    return Error{ErrorCode::limit, "a shape of " + std::to_string(count) + " extents"};
  return std::optional(static_cast<size_t>(count));
}

}  // namespace octet
