#pragma once

#include <algorithm>
#include <complex>
#include <memory>
#include <mutex>
#include <numbers>
#include <vector>

#include "kernels/fourier_f64/fourier_f64.h"

namespace octet::ops {

/// The factors of n that a plan names.
std::vector<size_t> fourier_radices(size_t n);

/// e^(turn 2 pi i k / length) for k < count, [count][2].
template <typename Real>
std::vector<Real> fourier_roots(size_t length, size_t count, double turn) {
  std::vector<Real> roots;
  const double step = turn * 2.0 * std::numbers::pi / static_cast<double>(length);
  for (size_t k = 0; k < count; ++k) {
    const auto root = std::polar(1.0, step * static_cast<double>(k));
    roots.push_back(static_cast<Real>(root.real()));
    roots.push_back(static_cast<Real>(root.imag()));
  }
  return roots;
}

/// A transform of one length: what the kernels' plan points to.
template <typename Real>
class FourierPlanOf {
 public:
  FourierPlanOf(size_t length, bool inverse)
      : roots_(fourier_roots<Real>(length, length, inverse ? 1.0 : -1.0)),
        radices_(fourier_radices(length)),
        plan_{length, roots_.data(), radices_.data(), inverse ? Real{1} : Real{-1}} {}
  FourierPlanOf(const FourierPlanOf&) = delete;
  FourierPlanOf& operator=(const FourierPlanOf&) = delete;
  ~FourierPlanOf() = default;

  size_t length() const { return plan_.length; }
  bool inverse() const { return plan_.turn > 0; }
  const kernels::FourierTransform<Real>& plan() const { return plan_; }
  size_t largest_radix() const {
    return radices_.empty() ? 1 : *std::max_element(radices_.begin(), radices_.end());
  }

 private:
  std::vector<Real> roots_;
  std::vector<size_t> radices_;
  kernels::FourierTransform<Real> plan_;
};
using FourierPlan = FourierPlanOf<double>;

/// The plan of the last length asked for.
class FourierPlans {
 public:
  std::shared_ptr<const FourierPlan> get(size_t length, bool inverse);

 private:
  std::mutex mutex_;
  std::shared_ptr<const FourierPlan> last_;
};

/// One element of kFourierLanes rows.
struct alignas(64) FourierCell {
  double re[kernels::kFourierLanes];
  double im[kernels::kFourierLanes];
};

/// The cells of a transform and of its result.
class FourierBuffers {
 public:
  explicit FourierBuffers(const FourierPlan& plan)
      : x(plan.length()), y(plan.length()), scratch_(plan.largest_radix()) {}
  /// y from x.
  void transform(const kernels::FourierF64Table& table, const FourierPlan& plan) {
    table.transform(plan.plan(), x[0].re, y[0].re, scratch_[0].re);
  }

  std::vector<FourierCell> x;
  std::vector<FourierCell> y;

 private:
  std::vector<FourierCell> scratch_;
};

}  // namespace octet::ops
