#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "kernels/fourier_f64/fourier_f64.h"

namespace octet::ops {

/// A transform of one length: what the kernels' plan points to.
class FourierPlan {
 public:
  FourierPlan(size_t length, bool inverse);
  FourierPlan(const FourierPlan&) = delete;
  FourierPlan& operator=(const FourierPlan&) = delete;
  ~FourierPlan() = default;

  size_t length() const { return plan_.length; }
  bool inverse() const { return plan_.turn > 0; }
  const kernels::FourierF64Plan& plan() const { return plan_; }
  size_t largest_radix() const;

 private:
  std::vector<double> roots_;
  std::vector<size_t> radices_;
  kernels::FourierF64Plan plan_;
};

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
