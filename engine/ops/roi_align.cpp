#include <algorithm>
#include <array>
#include <cmath>

#include "engine/ops/common/real.h"
#include "engine/ops/op.h"

// https://arxiv.org/abs/1703.06870, section 3

namespace octet::ops::roi_align {
namespace {

struct RoiAlignAttrs {
  std::string coordinate_transformation_mode = "half_pixel";
  std::string mode = "avg";
  int64_t output_height = 1;
  int64_t output_width = 1;
  int64_t sampling_ratio = 0;
  float spatial_scale = 1.0F;
  static constexpr auto fields() {
    return std::tuple{field("coordinate_transformation_mode",
                            &RoiAlignAttrs::coordinate_transformation_mode, {.since = 16}),
                      field("mode", &RoiAlignAttrs::mode),
                      field("output_height", &RoiAlignAttrs::output_height),
                      field("output_width", &RoiAlignAttrs::output_width),
                      field("sampling_ratio", &RoiAlignAttrs::sampling_ratio),
                      field("spatial_scale", &RoiAlignAttrs::spatial_scale)};
  }
};

Status canonical(const CanonicalContext& context) {
  if (context.opset >= 16) return {};
  RoiAlignAttrs attrs = context.attrs<RoiAlignAttrs>();
  attrs.coordinate_transformation_mode = "output_half_pixel";
  context.node().attrs = Attrs::of(std::move(attrs));
  return {};
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<RoiAlignAttrs>();
  if (attrs.mode != "avg" && attrs.mode != "max") return unsupported("mode '{}'", attrs.mode);
  const std::string& mode = attrs.coordinate_transformation_mode;
  if (mode != "half_pixel" && mode != "output_half_pixel")
    return unsupported("coordinate_transformation_mode '{}'", mode);
  if (attrs.output_height < 1 || attrs.output_width < 1) return invalid_model("an empty output");
  if (context.has_rank(0) && context.shape(0).size() != 4)
    return invalid_model("the input must have four axes");
  const Dim channels = context.has_rank(0) ? context.shape(0)[1] : Dim::fresh();
  const Dim rois =
      context.has_rank(1) && context.shape(1).size() == 2 ? context.shape(1)[0] : Dim::fresh();
  context.set_tensor(0, context.dtype(0),
                     Shape{rois, channels, Dim(attrs.output_height), Dim(attrs.output_width)});
  return {};
}

// Two neighbours of a coordinate and their weights; none further than one pixel outside.
struct Sample {
  bool inside = false;
  std::array<int64_t, 2> at{};
  std::array<double, 2> weight{};
};

Sample sample_at(double v, int64_t extent) {
  if (!(v >= -1.0 && v <= static_cast<double>(extent))) return {};
  v = std::clamp(v, 0.0, static_cast<double>(extent - 1));
  const auto low = static_cast<int64_t>(v);
  const double fraction = v - static_cast<double>(low);
  return {true, {low, std::min(low + 1, extent - 1)}, {1 - fraction, fraction}};
}

struct Bins {
  double start_y, start_x, bin_y, bin_x;
  int64_t grid_y, grid_x;
};

template <typename T>
Bins bins_of(const RoiAlignAttrs& attrs, const T* roi) {
  const bool half_pixel = attrs.coordinate_transformation_mode == "half_pixel";
  const double offset = half_pixel ? 0.5 : 0.0;
  const auto scaled = [&](size_t i) {
    return static_cast<double>(roi[i]) * static_cast<double>(attrs.spatial_scale) - offset;
  };
  double height = scaled(3) - scaled(1);
  double width = scaled(2) - scaled(0);
  if (!half_pixel) {
    height = std::max(height, 1.0);
    width = std::max(width, 1.0);
  }
  Bins b{scaled(1),
         scaled(0),
         height / static_cast<double>(attrs.output_height),
         width / static_cast<double>(attrs.output_width),
         attrs.sampling_ratio,
         attrs.sampling_ratio};
  if (attrs.sampling_ratio <= 0) {
    b.grid_y = integer_of<int64_t>(std::ceil(b.bin_y));
    b.grid_x = integer_of<int64_t>(std::ceil(b.bin_x));
  }
  return b;
}

// `grid` coordinates of the bin's samples along an axis.
std::vector<Sample> samples_of(double start, double bin, int64_t grid, int64_t place,
                               int64_t extent) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < grid; ++i)
    samples.push_back(
        sample_at(start + (static_cast<double>(place) +
                           (static_cast<double>(i) + 0.5) / static_cast<double>(grid)) *
                              bin,
                  extent));
  return samples;
}

// The mean of the samples; or the largest weighted neighbour, which is what the standard's `max`
// is. Nothing when the run shall stop.
template <typename T>
std::optional<T> pool(const std::vector<Sample>& rows, const std::vector<Sample>& columns,
                      const T* plane, int64_t width, bool average, const RunContext& context) {
  double sum = 0.0;
  const size_t count = rows.size() * columns.size();
  double best = count == 0 ? 0.0 : -HUGE_VAL;
  for (const Sample& y : rows) {
    if (context.stopped()) return std::nullopt;
    for (const Sample& x : columns)
      for (size_t k = 0; k < 4; ++k) {
        const bool inside = y.inside && x.inside;
        const double value = inside
                                 ? y.weight[k / 2] * x.weight[k % 2] *
                                       static_cast<double>(plane[y.at[k / 2] * width + x.at[k % 2]])
                                 : 0.0;
        sum += value;
        best = std::max(best, value);
      }
  }
  return static_cast<T>(average ? sum / static_cast<double>(std::max<size_t>(count, 1)) : best);
}

template <typename T>
Status align(const RoiAlignAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const int64_t channels = x.dims[1];
  const int64_t height = x.dims[2];
  const int64_t width = x.dims[3];
  const int64_t bins = attrs.output_height * attrs.output_width;
  if (height == 0 || width == 0) return invalid_data("an empty image");
  for (int64_t r = 0; r < y.dims[0]; ++r) {
    const int64_t image = context.input(2).as<int64_t>()[r];
    if (image < 0 || image >= x.dims[0]) return invalid_data("batch index out of range");
    const Bins b = bins_of(attrs, context.input(1).as<T>() + r * 4);
    // Far more samples than pixels would only cost time.
    if (b.grid_y > (int64_t{1} << 16) || b.grid_x > (int64_t{1} << 16))
      return invalid_data("a region of interest is too large");
    for (int64_t bin = 0; bin < bins; ++bin) {
      const auto rows = samples_of(b.start_y, b.bin_y, b.grid_y, bin / attrs.output_width, height);
      const auto columns =
          samples_of(b.start_x, b.bin_x, b.grid_x, bin % attrs.output_width, width);
      for (int64_t c = 0; c < channels; ++c) {
        const auto value = pool(rows, columns, x.as<T>() + (image * channels + c) * height * width,
                                width, attrs.mode == "avg", context);
        if (!value) return Error{ErrorCode::deadline, "stopped"};
        y.as<T>()[(r * channels + c) * bins + bin] = *value;
      }
    }
  }
  return {};
}

Status run(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  if (context.input(1).dtype != type || context.input(1).dims[1] != 4 ||
      context.input(2).count() != context.input(1).dims[0])
    return invalid_data("regions of interest don't fit the input");
  Status status;
  const bool known = visit_dtype(type, FloatTypes{}, [&]<typename T>() {
    status = align<T>(attrs.as<RoiAlignAttrs>(), context);
  });
  return known ? std::move(status) : unsupported("elements of {}", dtype_name(type));
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef RoiAlign;
const OpDef RoiAlign = {
    .domain = "",
    .name = "RoiAlign",
    .since = 10,
    .inputs = {3, 3},
    .attrs = attr_codec<RoiAlignAttrs>(),
    .canonical = canonical,
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::roi_align
