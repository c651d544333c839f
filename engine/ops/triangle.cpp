#include <algorithm>
#include <cstring>

#include "engine/ir/stop.h"
#include "engine/ops/common/movement.h"

// Operators on the diagonals of matrices.

namespace octet::ops::triangle {
namespace {

struct TriluAttrs {
  int64_t upper = 1;
  static constexpr auto fields() { return std::tuple{field("upper", &TriluAttrs::upper)}; }
};

struct EyeLikeAttrs {
  std::optional<int64_t> dtype;
  int64_t k = 0;
  static constexpr auto fields() {
    return std::tuple{field("dtype", &EyeLikeAttrs::dtype), field("k", &EyeLikeAttrs::k)};
  }
};

Status infer_trilu(InferContext& context) {
  context.set_like(0, 0);
  return {};
}

Status run_trilu(const Attrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  if (x.rank() < 2) return invalid_data("the input isn't a matrix");
  OCTET_ASSIGN(const size_t bytes, element_bytes(x.dtype));
  const int64_t k = context.has_input(1) ? movement::integers_of(context.input(1)).at(0) : 0;
  const int64_t rows = x.dims[x.rank() - 2];
  const int64_t columns = x.dims[x.rank() - 1];
  const bool upper = attrs.as<TriluAttrs>().upper != 0;
  const int64_t count = columns == 0 ? 0 : x.count() / columns;
  StopPoll poll;
  for (int64_t row = 0; row < count; ++row) {
    poll(static_cast<size_t>(columns));
    // Columns from `edge` on are on the upper side of the diagonal.
    const int64_t diagonal = std::clamp<int64_t>(k, -rows, columns) + row % rows;
    const int64_t edge = std::clamp<int64_t>(upper ? diagonal : diagonal + 1, 0, columns);
    const int64_t begin = upper ? edge : 0;
    const int64_t end = upper ? columns : edge;
    const std::byte* from = x.data + static_cast<size_t>(row * columns) * bytes;
    std::byte* to = y.data + static_cast<size_t>(row * columns) * bytes;
    const size_t kept = static_cast<size_t>(end - begin) * bytes;
    if (to != from)
      std::memmove(to + static_cast<size_t>(begin) * bytes,
                   from + static_cast<size_t>(begin) * bytes, kept);
    std::memset(to, 0, static_cast<size_t>(begin) * bytes);
    std::memset(to + static_cast<size_t>(end) * bytes, 0,
                static_cast<size_t>(columns - end) * bytes);
  }
  return {};
}

Status infer_eye(InferContext& context) {
  const auto& dtype = context.attrs<EyeLikeAttrs>().dtype;
  if (dtype && (*dtype <= 0 || *dtype >= kDTypeCount))
    return unsupported("element type {}", *dtype);
  if (context.has_rank(0) && context.shape(0).size() != 2)
    return invalid_model("the input isn't a matrix");
  context.set_tensor(0, dtype ? static_cast<DType>(*dtype) : context.dtype(0),
                     context.input(0).shape);
  return {};
}

Status run_eye(const Attrs& attrs, RunContext& context) {
  const TensorView& y = context.output(0);
  const int64_t k = attrs.as<EyeLikeAttrs>().k;
  std::memset(y.data, 0, y.bytes().size());
  const bool known = visit_dtype(y.dtype,
                                 TypeList<float, double, int32_t, int64_t, int8_t, uint8_t, int16_t,
                                          uint16_t, uint32_t, uint64_t, bool>{},
                                 [&]<typename T>() {
                                   for (int64_t row = 0; row < y.dims[0]; ++row)
                                     if (row + k >= 0 && row + k < y.dims[1])
                                       y.as<T>()[row * y.dims[1] + row + k] = T(1);
                                 });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(y.dtype));
}

constexpr Implementation kEyeRows[] = {reference<run_eye>()};
constexpr Implementation kTriluRows[] = {reference<run_trilu>()};

}  // namespace

extern const OpDef EyeLike;
extern const OpDef Trilu;
const OpDef EyeLike = {.domain = "",
                       .name = "EyeLike",
                       .since = 9,
                       .attrs = attr_codec<EyeLikeAttrs>(),
                       .infer = infer_eye,
                       .implementations = kEyeRows};
const OpDef Trilu = {.domain = "",
                     .name = "Trilu",
                     .since = 14,
                     .inputs = {1, 2},
                     .attrs = attr_codec<TriluAttrs>(),
                     .infer = infer_trilu,
                     .implementations = kTriluRows};

}  // namespace octet::ops::triangle
