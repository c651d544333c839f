#include "engine/ir/stop.h"
#include "engine/ops/op.h"

// Sampling grids of spatial transformers: https://arxiv.org/abs/1506.02025, section 3.2.

namespace octet::ops::affine_grid {
namespace {

struct AffineGridAttrs {
  int64_t align_corners = 0;
  static constexpr auto fields() {
    return std::tuple{field("align_corners", &AffineGridAttrs::align_corners)};
  }
};

Status infer(InferContext& context) {
  const auto* size = context.elements(1);
  size_t rank = size != nullptr ? size->size() : 0;
  if (size == nullptr && context.has_rank(1) && context.shape(1).size() == 1)
    rank = static_cast<size_t>(context.shape(1)[0].maybe().value_or(0));
  if (rank == 0) {
    context.set_tensor(0, context.dtype(0));
    return {};
  }
  if (rank != 4 && rank != 5) return invalid_model("size must have 4 or 5 entries");
  Shape shape;
  for (size_t a = 0; a < rank; ++a)
    if (a != 1) shape.push_back(size != nullptr ? (*size)[a] : Dim::fresh());
  shape.emplace_back(static_cast<int64_t>(rank) - 2);
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

// Position i of n points over [-1, 1]: ends included, or centres of n cells.
double coordinate(int64_t i, int64_t n, bool corners) {
  if (!corners) return (2.0 * static_cast<double>(i) + 1.0) / static_cast<double>(n) - 1.0;
  return n == 1 ? 0.0 : 2.0 * static_cast<double>(i) / static_cast<double>(n - 1) - 1.0;
}

template <typename T>
void fill(const TensorView& theta, const TensorView& grid, bool corners) {
  const size_t axes = grid.rank() - 2;
  const int64_t points = grid.count() / (grid.dims[0] * static_cast<int64_t>(axes));
  StopPoll poll;
  for (int64_t p = 0; p < grid.dims[0] * points; ++p) {
    poll(8);
    const T* matrix = theta.as<T>() + p / points * static_cast<int64_t>(axes * (axes + 1));
    double position[3] = {};  // x first: the last axis
    int64_t rest = p % points;
    for (size_t a = 0; a < axes; ++a) {
      const int64_t extent = grid.dims[grid.rank() - 2 - a];
      position[a] = coordinate(rest % extent, extent, corners);
      rest /= extent;
    }
    for (size_t row = 0; row < axes; ++row) {
      const T* m = matrix + row * (axes + 1);
      auto sum = static_cast<double>(m[axes]);
      for (size_t a = 0; a < axes; ++a) sum += static_cast<double>(m[a]) * position[a];
      grid.as<T>()[p * static_cast<int64_t>(axes) + static_cast<int64_t>(row)] =
          static_cast<T>(sum);
    }
  }
}

Status run(const Attrs& attrs, RunContext& context) {
  const TensorView& theta = context.input(0);
  const TensorView& size = context.input(1);
  const int64_t* extents = size.as<int64_t>();
  if (size.count() != 4 && size.count() != 5) return invalid_data("size must have 4 or 5 entries");
  Dims dims = {extents[0]};
  dims.insert(dims.end(), extents + 2, extents + size.count());
  dims.push_back(size.count() - 2);
  const int64_t axes = size.count() - 2;
  if (theta.dims != Dims{extents[0], axes, axes + 1})
    return invalid_data("theta doesn't fit the size");
  OCTET_RETURN_IF_ERROR(context.allocate(0, std::move(dims)));
  if (context.output(0).count() == 0) return {};
  const bool known = visit_dtype(theta.dtype, FloatTypes{}, [&]<typename T>() {
    fill<T>(theta, context.output(0), attrs.as<AffineGridAttrs>().align_corners != 0);
  });
  return known ? Status{} : unsupported("elements of {}", dtype_name(theta.dtype));
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef AffineGrid;
const OpDef AffineGrid = {
    .domain = "",
    .name = "AffineGrid",
    .since = 20,
    .inputs = {2, 2},
    .attrs = attr_codec<AffineGridAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::affine_grid
