#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/common/axes.h"
#include "engine/ops/op.h"

// Rows divided by their length, or brought to mean 0 and deviation 1.

namespace octet::ops::lp_normalization {
namespace {

struct LpAttrs {
  int64_t axis = -1;
  int64_t p = 2;
  static constexpr auto fields() {
    return std::tuple{field("axis", &LpAttrs::axis), field("p", &LpAttrs::p)};
  }
};

struct MeanVarianceAttrs {
  std::vector<int64_t> axes = {0, 2, 3};
  static constexpr auto fields() { return std::tuple{field("axes", &MeanVarianceAttrs::axes)}; }
};

Status infer_lp(InferContext& context) {
  const auto& attrs = context.attrs<LpAttrs>();
  if (attrs.p != 1 && attrs.p != 2) return unsupported("p {}", attrs.p);
  if (context.has_rank(0)) OCTET_RETURN_IF_ERROR(context.axis(attrs.axis, context.shape(0).size()));
  return infer_same(context);
}

Status infer_mean_variance(InferContext& context) {
  if (context.has_rank(0))
    for (const int64_t axis : context.attrs<MeanVarianceAttrs>().axes)
      OCTET_RETURN_IF_ERROR(context.axis(axis, context.shape(0).size()));
  return infer_same(context);
}

// A row of zeros stays.
template <typename T>
void divide_by_norm(const LpAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  const AxisCut cut = cut_at(x.dims, *normalize_axis(attrs.axis, x.rank()));
  StopPoll poll;
  for (size_t row = 0; row < cut.outer * cut.inner; ++row) {
    poll(cut.extent);
    const size_t first = row / cut.inner * cut.extent * cut.inner + row % cut.inner;
    const T* in = x.as<T>() + first;
    T* out = context.output(0).as<T>() + first;
    double norm = 0.0;
    for (size_t i = 0; i < cut.extent; ++i) {
      const auto value = static_cast<double>(in[i * cut.inner]);
      norm += attrs.p == 1 ? std::fabs(value) : value * value;
    }
    if (attrs.p == 2) norm = std::sqrt(norm);
    for (size_t i = 0; i < cut.extent; ++i) {
      const auto value = static_cast<double>(in[i * cut.inner]);
      out[i * cut.inner] = norm == 0.0 ? T{} : static_cast<T>(value / norm);
    }
  }
}

// Which statistics element `i` belongs to: its index along the axes that stay.
size_t kept_index(const Dims& dims, const std::vector<bool>& reduced, size_t i) {
  size_t index = 0;
  size_t step = 1;
  for (size_t a = dims.size(); a-- > 0; i /= static_cast<size_t>(dims[a])) {
    if (reduced[a]) continue;
    index += i % static_cast<size_t>(dims[a]) * step;
    step *= static_cast<size_t>(dims[a]);
  }
  return index;
}

// The standard's function: (x - mean) / (deviation + 1e-9).
template <typename T>
void standardize(const MeanVarianceAttrs& attrs, RunContext& context) {
  const TensorView& x = context.input(0);
  std::vector<bool> reduced(x.rank(), false);
  for (const int64_t axis : attrs.axes) reduced[*normalize_axis(axis, x.rank())] = true;
  size_t kept = 1;
  for (size_t a = 0; a < x.rank(); ++a) kept *= reduced[a] ? 1 : static_cast<size_t>(x.dims[a]);
  const auto count = static_cast<size_t>(x.count());
  const double extent = static_cast<double>(count) / static_cast<double>(kept);
  std::vector<double> mean(kept, 0.0);
  std::vector<double> variance(kept, 0.0);
  const T* in = x.as<T>();
  StopPoll poll;
  for (size_t i = 0; i < count; ++i) {
    poll();
    mean[kept_index(x.dims, reduced, i)] += static_cast<double>(in[i]) / extent;
  }
  for (size_t i = 0; i < count; ++i) {
    poll();
    const size_t k = kept_index(x.dims, reduced, i);
    const double d = static_cast<double>(in[i]) - mean[k];
    variance[k] += d * d / extent;
  }
  for (size_t i = 0; i < count; ++i) {
    poll();
    const size_t k = kept_index(x.dims, reduced, i);
    context.output(0).as<T>()[i] =
        static_cast<T>((static_cast<double>(in[i]) - mean[k]) / (std::sqrt(variance[k]) + 1e-9));
  }
}

Status run_lp(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  const bool known = visit_dtype(
      type, FloatTypes{}, [&]<typename T>() { divide_by_norm<T>(attrs.as<LpAttrs>(), context); });
  return known ? Status{} : unsupported("elements of {}", dtype_name(type));
}

Status run_mean_variance(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  const bool known = visit_dtype(type, FloatTypes{}, [&]<typename T>() {
    standardize<T>(attrs.as<MeanVarianceAttrs>(), context);
  });
  return known ? Status{} : unsupported("elements of {}", dtype_name(type));
}

constexpr Implementation kLpRows[] = {reference<run_lp>()};
constexpr Implementation kMeanVarianceRows[] = {reference<run_mean_variance>()};

}  // namespace

extern const OpDef LpNormalization;
extern const OpDef MeanVarianceNormalization;
const OpDef LpNormalization = {
    .domain = "",
    .name = "LpNormalization",
    .attrs = attr_codec<LpAttrs>(),
    .infer = infer_lp,
    .implementations = kLpRows,
};
const OpDef MeanVarianceNormalization = {
    .domain = "",
    .name = "MeanVarianceNormalization",
    .since = 9,
    .attrs = attr_codec<MeanVarianceAttrs>(),
    .infer = infer_mean_variance,
    .implementations = kMeanVarianceRows,
};

}  // namespace octet::ops::lp_normalization
