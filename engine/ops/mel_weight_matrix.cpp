#include <algorithm>
#include <cmath>

#include "engine/ops/op.h"

namespace octet::ops::mel_weight_matrix {
namespace {

struct MelAttrs {
  int64_t output_datatype = 1;
  static constexpr auto fields() {
    return std::tuple{field("output_datatype", &MelAttrs::output_datatype)};
  }
};

Status infer(InferContext& context) {
  const int64_t type = context.attrs<MelAttrs>().output_datatype;
  if (type <= 0 || type >= kDTypeCount) return unsupported("element type {}", type);
  const auto dtype = static_cast<DType>(type);
  const auto extent = [&](size_t i) {
    const auto* value = context.elements(i);
    return value != nullptr && value->size() == 1 ? (*value)[0] : Dim::fresh();
  };
  context.set_tensor(0, dtype, Shape{floor_div(extent(1), Dim(2)) + Dim(1), extent(0)});
  return {};
}

double number_of(const TensorView& view) {
  const Tensor tensor(view.dtype, view.dims, view.bytes(), nullptr);
  if (view.dtype == DType::f64) return tensor.as<double>()[0];
  return static_cast<double>(tensor.to_float()[0]);
}

// Bins at the edges and centres of triangles that lie evenly on the mel scale (O'Shaughnessy 1987).
std::vector<int64_t> edges(int64_t bands, int64_t length, double rate, double low, double high) {
  const auto mel = [](double hertz) { return 2595.0 * std::log10(1.0 + hertz / 700.0); };
  const auto hertz = [](double m) { return 700.0 * (std::pow(10.0, m / 2595.0) - 1.0); };
  const double step = (mel(high) - mel(low)) / static_cast<double>(bands + 2);
  std::vector<int64_t> bins;
  for (int64_t i = 0; i < bands + 2; ++i) {
    const double frequency = hertz(mel(low) + static_cast<double>(i) * step);
    bins.push_back(
        static_cast<int64_t>(std::floor(static_cast<double>(length + 1) * frequency / rate)));
  }
  return bins;
}

template <typename T>
void fill(const std::vector<int64_t>& bins, const TensorView& out) {
  const int64_t rows = out.dims[0];
  const int64_t bands = out.dims[1];
  std::fill_n(out.as<T>(), out.count(), T{});
  const auto put = [&](int64_t row, int64_t band, double value) {
    if (row >= 0 && row < rows) out.as<T>()[row * bands + band] = static_cast<T>(value);
  };
  for (int64_t band = 0; band < bands; ++band) {
    const auto at = static_cast<size_t>(band);
    const int64_t low = bins[at];
    const int64_t center = bins[at + 1];
    const int64_t high = bins[at + 2];
    if (center == low) put(center, band, 1.0);
    for (int64_t j = low; j <= center && center > low; ++j)
      put(j, band, static_cast<double>(j - low) / static_cast<double>(center - low));
    for (int64_t j = center; j < high; ++j)
      put(j, band, static_cast<double>(high - j) / static_cast<double>(high - center));
  }
}

Status run(const Attrs&, RunContext& context) {
  const auto bands = static_cast<int64_t>(number_of(context.input(0)));
  const auto length = static_cast<int64_t>(number_of(context.input(1)));
  const double rate = number_of(context.input(2));
  const double low = number_of(context.input(3));
  const double high = number_of(context.input(4));
  if (bands < 1 || length < 1 || bands > INT32_MAX || length > INT32_MAX || !(rate > 0.0) ||
      !(low >= 0.0) || !(high > low) || high > rate)
    return invalid_data("bands, length or frequencies out of range");
  OCTET_RETURN_IF_ERROR(context.allocate(0, {length / 2 + 1, bands}));
  const auto bins = edges(bands, length, rate, low, high);
  const DType dtype = context.output(0).dtype;
  const bool known =
      visit_dtype(dtype, NumericTypes{}, [&]<typename T>() { fill<T>(bins, context.output(0)); });
  return known ? Status{} : unsupported("elements of {}", dtype_name(dtype));
}

constexpr Implementation kImplementations[] = {reference<run>()};

}  // namespace

extern const OpDef MelWeightMatrix;
const OpDef MelWeightMatrix = {
    .domain = "",
    .name = "MelWeightMatrix",
    .since = 17,
    .inputs = {5, 5},
    .attrs = attr_codec<MelAttrs>(),
    .infer = infer,
    .implementations = kImplementations,
};

}  // namespace octet::ops::mel_weight_matrix
