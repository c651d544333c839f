#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

// https://arxiv.org/abs/1504.08083, section 2.1. Corners are rounded to pixels, which both belong
// to the region; a bin outside the image gives 0.

namespace octet::ops::max_roi_pool {
namespace {

struct MaxRoiPoolAttrs {
  std::vector<int64_t> pooled_shape = {};
  float spatial_scale = 1.0F;
  static constexpr auto fields() {
    using A = MaxRoiPoolAttrs;
    return std::tuple{field("pooled_shape", &A::pooled_shape, {.required = true}),
                      field("spatial_scale", &A::spatial_scale)};
  }
};

Status infer(InferContext& context) {
  const auto& pooled = context.attrs<MaxRoiPoolAttrs>().pooled_shape;
  if (pooled.size() != 2 || pooled[0] < 1 || pooled[1] < 1)
    return invalid_model("pooled_shape isn't a height and a width");
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0) || !context.has_rank(1)) return {};
  const Shape& x = context.shape(0);
  const Shape& rois = context.shape(1);
  if (x.size() != 4 || rois.size() != 2 || (rois[1].known() && rois[1] != Dim(5)))
    return invalid_model("the image isn't of rank 4, or the regions aren't [n, 5]");
  context.set_tensor(0, context.dtype(0), Shape{rois[0], x[1], Dim(pooled[0]), Dim(pooled[1])});
  return {};
}

// Pixels [begin, end) of a bin along one axis.
struct Range {
  int64_t begin;
  int64_t end;
};

Range bin_range(int64_t bin, double size, int64_t start, int64_t extent) {
  const auto low = static_cast<int64_t>(std::floor(static_cast<double>(bin) * size));
  const auto high = static_cast<int64_t>(std::ceil(static_cast<double>(bin + 1) * size));
  return {std::clamp<int64_t>(low + start, 0, extent),
          std::clamp<int64_t>(high + start, 0, extent)};
}

template <typename T>
Status pool(const MaxRoiPoolAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const int64_t height = x.dims[2];
  const int64_t width = x.dims[3];
  T* out = y.as<T>();
  StopPoll poll;
  for (int64_t r = 0; r < y.dims[0]; ++r) {
    const T* roi = context.input(1).as<T>() + r * 5;
    int64_t corner[4];
    for (size_t i = 0; i < 4; ++i) {
      const T scaled = std::round(roi[1 + i] * static_cast<T>(attrs.spatial_scale));
      if (!(std::fabs(scaled) < T(0x1p31))) return invalid_data("a region's corner is no pixel");
      corner[i] = static_cast<int64_t>(scaled);
    }
    if (!(roi[0] >= 0 && roi[0] < static_cast<T>(x.dims[0])))
      return invalid_data("a region's image is outside the batch");
    const auto image = static_cast<int64_t>(roi[0]);
    const double row_size = static_cast<double>(std::max<int64_t>(corner[3] - corner[1] + 1, 1)) /
                            static_cast<double>(y.dims[2]);
    const double column_size =
        static_cast<double>(std::max<int64_t>(corner[2] - corner[0] + 1, 1)) /
        static_cast<double>(y.dims[3]);
    for (int64_t c = 0; c < x.dims[1]; ++c) {
      const T* plane = x.as<T>() + (image * x.dims[1] + c) * height * width;
      for (int64_t i = 0; i < y.dims[2] * y.dims[3]; ++i) {
        const Range rows = bin_range(i / y.dims[3], row_size, corner[1], height);
        const Range columns = bin_range(i % y.dims[3], column_size, corner[0], width);
        const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
        T best = empty ? T{} : std::numeric_limits<T>::lowest();
        poll();
        for (int64_t h = rows.begin; h < rows.end && !empty; ++h) {
          poll(static_cast<size_t>(columns.end - columns.begin));
          for (int64_t w = columns.begin; w < columns.end; ++w)
            best = std::max(best, plane[h * width + w]);
        }
        *out++ = best;
      }
    }
  }
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  Status status;
  const DType dtype = context.input(0).dtype;
  const bool known = visit_dtype(dtype, FloatTypes{}, [&]<typename T>() {
    status = pool<T>(attrs.as<MaxRoiPoolAttrs>(), context);
  });
  return known ? std::move(status) : unsupported("elements of type {}", dtype_name(dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef MaxRoiPool;
const OpDef MaxRoiPool = {.domain = "",
                          .name = "MaxRoiPool",
                          .inputs = {2, 2},
                          .attrs = attr_codec<MaxRoiPoolAttrs>(),
                          .infer = infer,
                          .implementations = kRows};

}  // namespace octet::ops::max_roi_pool
