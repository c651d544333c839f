#include "engine/ops/common/ml_rows.h"

#include <algorithm>
#include <cmath>

namespace octet::ml {

Result<Rows> rows_of(const TensorView& view) {
  if (view.rank() < 1 || view.rank() > 2) return invalid_data("the input has no rows");
  Rows rows;
  rows.width = static_cast<size_t>(view.dims.back());
  rows.count = view.rank() == 2 ? static_cast<size_t>(view.dims[0]) : 1;
  visit_dtype(view.dtype, TypeList<float, double, int32_t, int64_t>{}, [&]<typename T>() {
    const T* data = view.as<T>();
    rows.values.assign(data, data + view.count());
  });
  return rows;
}

Dim batch_of(const InferContext& context) {
  if (!context.has_rank(0)) return Dim::fresh();
  const Shape& shape = context.shape(0);
  return shape.size() == 2 ? shape[0] : Dim(1);
}

Status require_numbers(const InferContext& context) {
  return context.require(0, {DType::f32, DType::f64, DType::s32, DType::s64});
}

Result<PostTransform> post_transform_of(const std::string& name) {
  if (name == "NONE") return PostTransform::none;
  if (name == "SOFTMAX") return PostTransform::softmax;
  if (name == "LOGISTIC") return PostTransform::logistic;
  if (name == "SOFTMAX_ZERO") return PostTransform::softmax_zero;
  if (name == "PROBIT") return unsupported("post_transform 'PROBIT'");
  return invalid_model("post_transform '{}'", name);
}

double logistic(double value) {
  const double e = std::exp(-std::fabs(value));
  return (value < 0 ? e : 1.0) / (1.0 + e);
}

void apply(PostTransform transform, std::span<double> scores) {
  if (transform == PostTransform::none || scores.empty()) return;
  if (transform == PostTransform::logistic) {
    std::transform(scores.begin(), scores.end(), scores.begin(), logistic);
    return;
  }
  // SOFTMAX_ZERO leaves scores at zero: they are scaled like the others' maximum.
  constexpr double kZero = 1e-7;
  const double max = *std::max_element(scores.begin(), scores.end());
  double sum = 0.0;
  for (double& s : scores) {
    const bool kept = transform == PostTransform::softmax_zero && std::fabs(s) <= kZero;
    s = kept ? s * std::exp(-max) : std::exp(s - max);
    sum += s;
  }
  for (double& s : scores) s = sum == 0.0 ? 0.5 : s / sum;
}

Status check_labels(const Labels& labels) {
  if (labels.integers.empty() == labels.strings.empty())
    return invalid_model("there must be labels of integers or of strings");
  return {};
}

Status give_labels(RunContext& context, const Labels& labels, const std::vector<size_t>& classes) {
  const Dims dims = {static_cast<int64_t>(classes.size())};
  if (!labels.strings.empty()) {
    std::vector<std::string> chosen;
    for (const size_t c : classes) chosen.push_back(labels.strings[c]);
    return context.set_boxed(0, Tensor::strings(dims, std::move(chosen)));
  }
  OCTET_RETURN_IF_ERROR(context.allocate(0, dims));
  for (size_t i = 0; i < classes.size(); ++i)
    context.output(0).as<int64_t>()[i] = labels.integers[classes[i]];
  return {};
}

Status give_scores(RunContext& context, size_t i, const std::vector<double>& scores, size_t rows,
                   size_t width) {
  if (!context.has_output(i)) return {};
  OCTET_RETURN_IF_ERROR(
      context.allocate(i, {static_cast<int64_t>(rows), static_cast<int64_t>(width)}));
  std::transform(scores.begin(), scores.end(), context.output(i).as<float>(),
                 [](double s) { return static_cast<float>(s); });
  return {};
}

}  // namespace octet::ml
