#include "engine/ops/common/fourier.h"

#include <algorithm>
#include <complex>

namespace octet::ops {
namespace {

std::vector<size_t> radices_of(size_t n) {
  std::vector<size_t> out;
  for (; n % 4 == 0; n /= 4) out.push_back(4);
  if (n == 2 && !out.empty()) {
    out.back() = 8;
    return out;
  }
  for (size_t p = 2; p * p <= n; ++p)
    for (; n % p == 0; n /= p) out.push_back(p);
  if (n > 1) out.push_back(n);
  return out;
}

}  // namespace

FourierPlan::FourierPlan(size_t length, bool inverse)
    : radices_(radices_of(length)), plan_{length, nullptr, nullptr, inverse ? 1.0 : -1.0} {
  const double step = plan_.turn * 2.0 * std::acos(-1.0) / static_cast<double>(length);
  for (size_t k = 0; k < length; ++k) {
    const auto root = std::polar(1.0, step * static_cast<double>(k));
    roots_.push_back(root.real());
    roots_.push_back(root.imag());
  }
  plan_.roots = roots_.data();
  plan_.radices = radices_.data();
}

size_t FourierPlan::largest_radix() const {
  return radices_.empty() ? 1 : *std::max_element(radices_.begin(), radices_.end());
}

std::shared_ptr<const FourierPlan> FourierPlans::get(size_t length, bool inverse) {
  const std::lock_guard lock(mutex_);
  if (!last_ || last_->length() != length || last_->inverse() != inverse)
    last_ = std::make_shared<const FourierPlan>(length, inverse);
  return last_;
}

}  // namespace octet::ops
