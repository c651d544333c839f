#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "engine/ir/tensor.h"
#include "kernels/cpu/isa.h"

namespace octet::testing {

/// Deterministic elements, uniform in [low, high).
inline Tensor random_floats(Dims dims, unsigned seed, float low = -1.0F, float high = 1.0F) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<size_t>(checked_count(dims).value()));
  for (float& value : values) value = distribution(generator);
  return Tensor::of(std::move(dims), values);
}

/// Deterministic codes over the whole range of T, its extremes among them.
template <typename T>
Tensor random_codes(Dims dims, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> distribution(std::numeric_limits<T>::min(),
                                                  std::numeric_limits<T>::max());
  std::vector<T> values(static_cast<size_t>(checked_count(dims).value()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i % 7 == 0 ? std::numeric_limits<T>::max()
                           : (i % 11 == 0 ? std::numeric_limits<T>::min()
                                          : static_cast<T>(distribution(generator)));
  return Tensor::of(std::move(dims), values);
}

/// The largest difference of two f32 tensors relative to the largest magnitude of `expected`;
/// infinite when the dims differ.
inline double relative_difference(const Tensor& actual, const Tensor& expected) {
  if (actual.dims() != expected.dims()) return HUGE_VAL;
  double worst = 0.0;
  double range = 1e-6;
  for (size_t i = 0; i < expected.count(); ++i) {
    const double e = expected.as<float>()[i];
    const double d = std::fabs(actual.as<float>()[i] - e);
    worst = std::isnan(d) ? HUGE_VAL : std::max(worst, d);
    range = std::max(range, std::fabs(e));
  }
  return worst / range;
}

/// Tokens of all instruction sets that this machine has.
inline std::vector<CpuToken> all_tokens() {
  std::vector<CpuToken> tokens;
  for (size_t i = 0; i < kIsaCount; ++i)
    if (const auto token = CpuToken::probe(static_cast<Isa>(i))) tokens.push_back(*token);
  return tokens;
}

}  // namespace octet::testing
