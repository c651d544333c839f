#include "engine/ops/common/fourier.h"

namespace octet::ops {

std::vector<size_t> fourier_radices(size_t n) {
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

std::shared_ptr<const FourierPlan> FourierPlans::get(size_t length, bool inverse) {
  const std::lock_guard lock(mutex_);
  if (!last_ || last_->length() != length || last_->inverse() != inverse)
    last_ = std::make_shared<const FourierPlan>(length, inverse);
  return last_;
}

}  // namespace octet::ops
