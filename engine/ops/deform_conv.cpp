#include <cmath>

#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

// https://arxiv.org/abs/1703.06211, section 2.1; the mask is that of
// https://arxiv.org/abs/1811.11168, section 3.1.

namespace octet::ops::deform_conv {
namespace {

struct DeformConvAttrs {
  std::vector<int64_t> dilations = {};
  int64_t group = 1;
  std::vector<int64_t> kernel_shape = {};
  int64_t offset_group = 1;
  std::vector<int64_t> pads = {};
  std::vector<int64_t> strides = {};
  static constexpr auto fields() {
    using A = DeformConvAttrs;
    return std::tuple{field("dilations", &A::dilations),
                      field("group", &A::group),
                      field("kernel_shape", &A::kernel_shape),
                      field("offset_group", &A::offset_group),
                      field("pads", &A::pads),
                      field("strides", &A::strides)};
  }
};

constexpr size_t kBias = 3;
constexpr size_t kMask = 4;

int64_t entry(const std::vector<int64_t>& values, size_t i, int64_t otherwise) {
  return i < values.size() ? values[i] : otherwise;
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<DeformConvAttrs>();
  context.set_tensor(0, context.dtype(0));
  for (size_t i = 1; i < context.input_count(); ++i)
    if (context.has_input(i)) OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, i));
  if (attrs.group < 1 || attrs.offset_group < 1) return invalid_model("a group below 1");
  if (!context.has_rank(1) || !context.has_rank(2)) return {};
  const Shape& w = context.shape(1);
  const Shape& offset = context.shape(2);
  if (w.size() < 3 || offset.size() != w.size() ||
      (context.has_rank(0) && context.shape(0).size() != w.size()))
    return invalid_model("the image, the weights and the offsets differ in rank");
  Shape out = offset;
  out[1] = w[0];
  context.set_tensor(0, context.dtype(0), std::move(out));
  return {};
}

template <typename T>
struct Image {
  const T* data;
  Dims dims;  ///< Spatial.

  // Linear interpolation at a fractional place; zero outside.
  double at(const std::vector<double>& place) const {
    const size_t axes = dims.size();
    double sum = 0.0;
    for (size_t corner = 0; corner < size_t{1} << axes; ++corner) {
      double weight = 1.0;
      int64_t index = 0;
      for (size_t a = 0; a < axes; ++a) {
        const double low = std::floor(place[a]);
        const bool upper = (corner >> a & 1) != 0;
        const double position = upper ? low + 1 : low;
        weight *= upper ? place[a] - low : low + 1 - place[a];
        const bool inside = position >= 0 && position < static_cast<double>(dims[a]);
        if (!inside) weight = 0.0;
        index = index * dims[a] + (inside ? static_cast<int64_t>(position) : 0);
      }
      if (weight != 0.0) sum += weight * static_cast<double>(data[index]);
    }
    return sum;
  }
};

int64_t product(const Dims& dims, size_t first) {
  int64_t count = 1;
  for (size_t a = first; a < dims.size(); ++a) count *= dims[a];
  return count;
}

// Counts along an axis, the last one fastest.
std::vector<int64_t> unravel(int64_t flat, const Dims& dims, size_t first) {
  std::vector<int64_t> index(dims.size() - first);
  for (size_t a = index.size(); a-- > 0; flat /= dims[first + a]) index[a] = flat % dims[first + a];
  return index;
}

Status check(const DeformConvAttrs& attrs, const RunContext& context) {
  const Dims& x = context.input(0).dims;
  const Dims& w = context.input(1).dims;
  const Dims& offset = context.input(2).dims;
  const int64_t taps = product(w, 2);
  const size_t axes = w.size() - 2;
  bool fits = x.size() == w.size() && offset.size() == w.size() && x[1] == w[1] * attrs.group &&
              w[0] % attrs.group == 0 && x[1] % attrs.offset_group == 0 && offset[0] == x[0] &&
              offset[1] == attrs.offset_group * taps * static_cast<int64_t>(axes);
  for (size_t a = 0; a < axes && fits; ++a) {
    const int64_t reach = (w[2 + a] - 1) * entry(attrs.dilations, a, 1);
    const int64_t padded = x[2 + a] + entry(attrs.pads, a, 0) + entry(attrs.pads, axes + a, 0);
    const int64_t stride = entry(attrs.strides, a, 1);
    fits = stride > 0 && offset[2 + a] == (padded - reach - 1) / stride + 1 &&
           entry(attrs.kernel_shape, a, w[2 + a]) == w[2 + a];
  }
  if (context.has_input(kBias)) fits = fits && context.input(kBias).count() == w[0];
  if (context.has_input(kMask))
    fits = fits &&
           context.input(kMask).count() * static_cast<int64_t>(axes) == context.input(2).count();
  return fits ? Status{} : invalid_data("the image, the weights and the offsets don't fit");
}

template <typename T>
void convolve(const DeformConvAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const TensorView& w = context.input(1);
  const TensorView& y = context.output(0);
  const size_t axes = w.rank() - 2;
  const int64_t taps = product(w.dims, 2);
  const int64_t pixels = product(y.dims, 2);
  const int64_t image = product(x.dims, 2);
  const int64_t channels = x.dims[1];
  const int64_t own_channels = w.dims[1];
  const int64_t outputs_each = w.dims[0] / attrs.group;
  const int64_t channels_each = channels / attrs.offset_group;
  const T* offsets = context.input(2).as<T>();
  const T* mask = context.has_input(kMask) ? context.input(kMask).as<T>() : nullptr;
  const Dims spatial(x.dims.begin() + 2, x.dims.end());
  const auto rows = static_cast<size_t>(y.dims[0] * pixels);
  context.parallel().for_ranges(rows, 1, [&](size_t begin, size_t end) {
    std::vector<double> sampled(static_cast<size_t>(channels * taps));
    std::vector<double> place(axes);
    for (auto row = static_cast<int64_t>(begin); row < static_cast<int64_t>(end); ++row) {
      const int64_t n = row / pixels;
      const int64_t pixel = row % pixels;
      const auto out = unravel(pixel, y.dims, 2);
      for (int64_t t = 0; t < taps; ++t) {
        const auto tap = unravel(t, w.dims, 2);
        for (int64_t c = 0; c < channels; ++c) {
          const int64_t set = (n * attrs.offset_group + c / channels_each) * taps + t;
          for (size_t a = 0; a < axes; ++a) {
            const int64_t shift = (set * static_cast<int64_t>(axes) + static_cast<int64_t>(a));
            place[a] =
                static_cast<double>(out[a] * entry(attrs.strides, a, 1) - entry(attrs.pads, a, 0) +
                                    tap[a] * entry(attrs.dilations, a, 1)) +
                static_cast<double>(offsets[shift * pixels + pixel]);
          }
          const Image<T> source{x.as<T>() + (n * channels + c) * image, spatial};
          const double open = mask ? static_cast<double>(mask[set * pixels + pixel]) : 1.0;
          sampled[static_cast<size_t>(c * taps + t)] = source.at(place) * open;
        }
      }
      for (int64_t o = 0; o < w.dims[0]; ++o) {
        const int64_t first = o / outputs_each * own_channels * taps;
        double sum =
            context.has_input(kBias) ? static_cast<double>(context.input(kBias).as<T>()[o]) : 0.0;
        for (int64_t k = 0; k < own_channels * taps; ++k)
          sum += static_cast<double>(w.as<T>()[o * own_channels * taps + k]) *
                 sampled[static_cast<size_t>(first + k)];
        y.as<T>()[(n * w.dims[0] + o) * pixels + pixel] = static_cast<T>(sum);
      }
    }
  });
}

Status run(const Attrs& attrs, RunContext& context) {
  const auto& a = attrs.as<DeformConvAttrs>();
  OCTET_RETURN_IF_ERROR(check(a, context));
  const DType dtype = context.input(0).dtype;
  const bool known =
      visit_dtype(dtype, FloatTypes{}, [&]<typename T>() { convolve<T>(a, context); });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef DeformConv;
const OpDef DeformConv = {.domain = "",
                          .name = "DeformConv",
                          .since = 19,
                          .inputs = {3, 5},
                          .attrs = attr_codec<DeformConvAttrs>(),
                          .infer = infer,
                          .implementations = kRows};

}  // namespace octet::ops::deform_conv
