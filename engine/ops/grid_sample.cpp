#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/ops/common/strided.h"
#include "engine/ops/op.h"

// Spatial transformer sampling (Jaderberg et al., arXiv:1506.02025), in any number of dimensions.

namespace octet::ops::grid_sample {
namespace {

struct GridSampleAttrs {
  int64_t align_corners = 0;
  std::string mode = "linear";
  std::string padding_mode = "zeros";
  static constexpr auto fields() {
    return std::tuple{field("align_corners", &GridSampleAttrs::align_corners),
                      field("mode", &GridSampleAttrs::mode),
                      field("padding_mode", &GridSampleAttrs::padding_mode)};
  }
};

// Modes were renamed in opset 20.
Status canonical(const CanonicalContext& context) {
  auto attrs = context.attrs<GridSampleAttrs>();
  if (attrs.mode == "bilinear") attrs.mode = "linear";
  if (attrs.mode == "bicubic") attrs.mode = "cubic";
  context.node().attrs = Attrs::of(std::move(attrs));
  return {};
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<GridSampleAttrs>();
  if (attrs.mode != "linear" && attrs.mode != "nearest" && attrs.mode != "cubic")
    return unsupported("mode '{}'", attrs.mode);
  if (attrs.padding_mode != "zeros" && attrs.padding_mode != "border" &&
      attrs.padding_mode != "reflection")
    return unsupported("padding_mode '{}'", attrs.padding_mode);
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0) || !context.has_rank(1)) return {};
  const Shape& x = context.shape(0);
  const Shape& grid = context.shape(1);
  if (x.size() < 3 || x.size() != grid.size()) return invalid_model("ranks don't fit");
  const auto differ = [](const Dim& a, const Dim& b) { return a.known() && b.known() && a != b; };
  if (differ(x[0], grid[0]) || differ(grid.back(), Dim(static_cast<int64_t>(x.size()) - 2)))
    return invalid_model("a grid of {} doesn't fit {}", to_string(grid), to_string(x));
  Shape out{x[0], x[1]};
  out.insert(out.end(), grid.begin() + 1, grid.end() - 1);
  context.set_tensor(0, context.dtype(0), std::move(out));
  return {};
}

// One tap of an axis: an index (nothing: outside, worth 0) and its weight.
struct Tap {
  std::optional<int64_t> index;
  double weight;
};

double reflected(double at, double low, double high) {
  const double span = high - low;
  if (span <= 0) return low;
  const double distance = std::fabs(at - low);
  const double rest = std::fmod(distance, 2 * span);
  return low + (rest > span ? 2 * span - rest : rest);
}

class Sampler {
 public:
  Sampler(const GridSampleAttrs& attrs, int64_t extent)
      : align_(attrs.align_corners != 0),
        zeros_(attrs.padding_mode == "zeros"),
        reflects_(attrs.padding_mode == "reflection"),
        mode_(attrs.mode),
        extent_(extent) {}

  std::vector<Tap> taps(double coordinate) const {
    const auto size = static_cast<double>(extent_);
    double at = align_ ? (coordinate + 1) / 2 * (size - 1) : ((coordinate + 1) * size - 1) / 2;
    if (!(std::fabs(at) < 0x1p52)) at = -2;  // NaN and infinities: outside.
    if (mode_ == "nearest") return {{placed(std::nearbyint(bounded(at))), 1.0}};
    if (mode_ == "linear") {
      at = bounded(at);
      const double low = std::floor(at);
      return {{placed(low), low + 1 - at}, {placed(low + 1), at - low}};
    }
    const double low = std::floor(at);
    const double t = at - low;
    return {{placed(bounded(low - 1)), outer(t + 1)},
            {placed(bounded(low)), inner(t)},
            {placed(bounded(low + 1)), inner(1 - t)},
            {placed(bounded(low + 2)), outer(2 - t)}};
  }

 private:
  // Catmull-Rom like cubic convolution with a = -0.75.
  static double inner(double t) { return ((1.25 * t) - 2.25) * t * t + 1; }
  static double outer(double t) { return ((-0.75 * t + 3.75) * t - 6) * t + 3; }

  double bounded(double at) const {
    const auto last = static_cast<double>(extent_ - 1);
    if (zeros_) return at;
    if (reflects_) at = align_ ? reflected(at, 0, last) : reflected(at, -0.5, last + 0.5);
    return std::clamp(at, 0.0, last);
  }
  std::optional<int64_t> placed(double at) const {
    const auto index = static_cast<int64_t>(at);
    if (index < 0 || index >= extent_) return std::nullopt;
    return index;
  }

  bool align_;
  bool zeros_;
  bool reflects_;
  std::string mode_;
  int64_t extent_;
};

// The weighted sum over the product of the axes' taps.
template <typename T>
double sample(const T* image, const Dims& extents, const std::vector<std::vector<Tap>>& taps,
              size_t axis, int64_t offset) {
  double sum = 0;
  for (const Tap& tap : taps[axis]) {
    if (!tap.index) continue;
    const int64_t at = offset * extents[axis] + *tap.index;
    sum += tap.weight * (axis + 1 == taps.size() ? static_cast<double>(image[at])
                                                 : sample(image, extents, taps, axis + 1, at));
  }
  return sum;
}

template <typename T, typename G>
void run_typed(const GridSampleAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const G* grid = context.input(1).as<G>();
  T* y = context.output(0).as<T>();
  const Dims extents(x.dims.begin() + 2, x.dims.end());
  std::vector<Sampler> samplers;
  int64_t pixels = 1;
  for (const int64_t extent : extents) {
    samplers.emplace_back(attrs, extent);
    pixels *= extent;
  }
  const size_t axes = extents.size();
  const int64_t channels = x.dims[1];
  const int64_t points =
      channels == 0 || x.dims[0] == 0 ? 0 : context.output(0).count() / (x.dims[0] * channels);
  context.parallel().for_ranges(
      static_cast<size_t>(x.dims[0] * points), 64, [&](size_t begin, size_t end) {
        std::vector<std::vector<Tap>> taps(axes);
        for (size_t i = begin; i < end; ++i) {
          // The grid gives x first; axes go from the outermost.
          for (size_t a = 0; a < axes; ++a)
            taps[a] = samplers[a].taps(static_cast<double>(grid[i * axes + axes - 1 - a]));
          const auto n = static_cast<int64_t>(i) / points;
          for (int64_t c = 0; c < channels; ++c) {
            const T* image = x.as<T>() + (n * channels + c) * pixels;
            y[(n * channels + c) * points + static_cast<int64_t>(i) % points] =
                static_cast<T>(sample(image, extents, taps, 0, 0));
          }
        }
      });
}

Status run(const Attrs& attrs, RunContext& context) {
  bool known = false;
  visit_dtype(context.input(0).dtype, FloatTypes{}, [&]<typename T>() {
    known = visit_dtype(context.input(1).dtype, FloatTypes{}, [&]<typename G>() {
      run_typed<T, G>(attrs.as<GridSampleAttrs>(), context);
    });
  });
  return known ? Status{} : unsupported("elements of this type");
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef GridSample;
const OpDef GridSample = {.domain = "",
                          .name = "GridSample",
                          .since = 16,
                          .inputs = {2, 2},
                          .attrs = attr_codec<GridSampleAttrs>(),
                          .canonical = canonical,
                          .infer = infer,
                          .implementations = kRows};

}  // namespace octet::ops::grid_sample
