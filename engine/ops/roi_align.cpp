#include <algorithm>
#include <array>
#include <cmath>

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
  if (attrs.mode != "avg" && attrs.mode != "max") return unsupported("mode '" + attrs.mode + "'");
  const std::string& mode = attrs.coordinate_transformation_mode;
  if (mode != "half_pixel" && mode != "output_half_pixel")
    return unsupported("coordinate_transformation_mode '" + mode + "'");
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

// Four neighbours of a point and their weights; all weights are 0 further than one pixel outside.
struct Sample {
  std::array<int64_t, 4> at{};
  std::array<double, 4> weight{};
};

Sample sample_at(double y, double x, int64_t height, int64_t width) {
  Sample s;
  if (y < -1.0 || y > static_cast<double>(height) || x < -1.0 || x > static_cast<double>(width))
    return s;
  const auto clamp = [](double v, int64_t extent) {
    return std::clamp(v, 0.0, static_cast<double>(extent - 1));
  };
  y = clamp(y, height);
  x = clamp(x, width);
  const auto top = static_cast<int64_t>(y);
  const auto left = static_cast<int64_t>(x);
  const int64_t bottom = std::min(top + 1, height - 1);
  const int64_t right = std::min(left + 1, width - 1);
  const double fy = y - static_cast<double>(top);
  const double fx = x - static_cast<double>(left);
  s.at = {top * width + left, top * width + right, bottom * width + left, bottom * width + right};
  s.weight = {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx};
  return s;
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
    b.grid_y = static_cast<int64_t>(std::ceil(b.bin_y));
    b.grid_x = static_cast<int64_t>(std::ceil(b.bin_x));
  }
  return b;
}

std::vector<Sample> samples_of(const Bins& b, int64_t py, int64_t px, int64_t height,
                               int64_t width) {
  std::vector<Sample> samples;
  for (int64_t iy = 0; iy < b.grid_y; ++iy)
    for (int64_t ix = 0; ix < b.grid_x; ++ix) {
      const double y = b.start_y + (static_cast<double>(py) + (static_cast<double>(iy) + 0.5) /
                                                                  static_cast<double>(b.grid_y)) *
                                       b.bin_y;
      const double x = b.start_x + (static_cast<double>(px) + (static_cast<double>(ix) + 0.5) /
                                                                  static_cast<double>(b.grid_x)) *
                                       b.bin_x;
      samples.push_back(sample_at(y, x, height, width));
    }
  return samples;
}

// The mean of the samples; or the largest weighted neighbour, which is what the standard's `max`
// is.
template <typename T>
T pool(const std::vector<Sample>& samples, const T* plane, bool average) {
  double sum = 0.0;
  double best = samples.empty() ? 0.0 : -HUGE_VAL;
  for (const Sample& s : samples)
    for (size_t k = 0; k < 4; ++k) {
      const double value = s.weight[k] * static_cast<double>(plane[s.at[k]]);
      sum += value;
      best = std::max(best, value);
    }
  const auto count = static_cast<double>(std::max<size_t>(samples.size(), 1));
  return static_cast<T>(average ? sum / count : best);
}

template <typename T>
Status align(const RoiAlignAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& y = context.output(0);
  const int64_t channels = x.dims[1];
  const int64_t height = x.dims[2];
  const int64_t width = x.dims[3];
  const int64_t bins = attrs.output_height * attrs.output_width;
  for (int64_t r = 0; r < y.dims[0]; ++r) {
    const int64_t image = context.input(2).as<int64_t>()[r];
    if (image < 0 || image >= x.dims[0]) return invalid_data("batch index out of range");
    const Bins b = bins_of(attrs, context.input(1).as<T>() + r * 4);
    // Far more samples than pixels would only cost time.
    if (b.grid_y > (int64_t{1} << 16) || b.grid_x > (int64_t{1} << 16))
      return invalid_data("a region of interest is too large");
    for (int64_t bin = 0; bin < bins; ++bin) {
      const auto samples =
          samples_of(b, bin / attrs.output_width, bin % attrs.output_width, height, width);
      for (int64_t c = 0; c < channels; ++c)
        y.as<T>()[(r * channels + c) * bins + bin] =
            pool(samples, x.as<T>() + (image * channels + c) * height * width, attrs.mode == "avg");
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
  return known ? std::move(status) : unsupported("elements of " + std::string(dtype_name(type)));
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
