#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/op.h"

namespace octet::ops::determinant {
namespace {

Status infer(InferContext& context) {
  context.set_tensor(0, context.dtype(0));
  if (!context.has_rank(0)) return {};
  const Shape& shape = context.shape(0);
  if (shape.size() < 2) return invalid_model("the input isn't a matrix");
  context.set_tensor(0, context.dtype(0), Shape(shape.begin(), shape.end() - 2));
  return {};
}

// Gaussian elimination with partial pivoting, in double.
double determinant(std::vector<double> a, size_t n) {
  double result = 1;
  StopPoll poll;
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k + 1; i < n; ++i)
      if (std::fabs(a[i * n + k]) > std::fabs(a[pivot * n + k])) pivot = i;
    if (a[pivot * n + k] == 0) return 0;
    if (pivot != k) {
      for (size_t j = 0; j < n; ++j) std::swap(a[k * n + j], a[pivot * n + j]);
      result = -result;
    }
    result *= a[k * n + k];
    for (size_t i = k + 1; i < n; ++i) {
      poll(n);
      const double factor = a[i * n + k] / a[k * n + k];
      for (size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return result;
}

Status run(const Attrs& /*attrs*/, RunContext& context) {
  const TensorView& x = context.input(0);
  const auto n = static_cast<size_t>(x.dims.back());
  if (x.dims[x.rank() - 2] != x.dims.back()) return invalid_data("the matrices aren't square");
  const auto matrices = static_cast<size_t>(context.output(0).count());
  const bool known = visit_dtype(x.dtype, FloatTypes{}, [&]<typename T>() {
    for (size_t m = 0; m < matrices; ++m) {
      const T* first = x.as<T>() + m * n * n;
      context.output(0).as<T>()[m] =
          static_cast<T>(determinant(std::vector<double>(first, first + n * n), n));
    }
  });
  return known ? Status{} : unsupported("elements of type {}", dtype_name(x.dtype));
}

constexpr Implementation kRows[] = {reference<run>()};

}  // namespace

extern const OpDef Det;
const OpDef Det = {
    .domain = "", .name = "Det", .since = 11, .infer = infer, .implementations = kRows};

}  // namespace octet::ops::determinant
