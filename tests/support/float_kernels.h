#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/isa.h"
#include "kernels/parallel.h"

namespace octet::test {

/// Cuts every loop into ranges of the least size and runs them backwards: a kernel whose result
/// depends on the split fails against SerialParallel.
class SplitParallel final : public Parallel {
 public:
  size_t width() const override { return 3; }
  void for_ranges(size_t count, size_t grain, FunctionRef<void(size_t, size_t)> body) override {
    const size_t step = std::max<size_t>(1, std::min(grain, (count + 2) / 3));
    const size_t chunks = (count + step - 1) / step;
    for (size_t i = chunks; i-- > 0;) body(i * step, std::min(count, (i + 1) * step));
  }
};

/// 64-byte aligned floats.
class Floats {
 public:
  explicit Floats(size_t size, float value = 0.0F)
      : size_(size),
        data_(static_cast<float*>(::operator new (size * 4 + 64, std::align_val_t{64}))) {
    std::fill_n(data_, size, value);
  }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  ~Floats() { ::operator delete (data_, std::align_val_t{64}); }
  float* data() { return data_; }
  size_t size() const { return size_; }

 private:
  size_t size_;
  float* data_;
};

inline std::vector<float> random_floats(size_t count, uint32_t seed, float low = -1.0F,
                                        float high = 1.0F) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> values(count);
  for (float& value : values) value = uniform(engine);
  return values;
}

/// Values where functions break: zeros, denormals, infinities, NaN, both ends of the range.
inline std::vector<float> awkward_floats() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> values = {0.0F,      -0.0F,      1e-45F,     -1e-45F, 1.1e-38F,     0.5F,
                               1.5F,      2.5F,       -0.5F,      -1.5F,   3.3e38F,      -3.3e38F,
                               kInfinity, -kInfinity, 88.8F,      -88.8F,  104.0F,       -104.0F,
                               17.0F,     -17.0F,     8388609.0F, -9.25F,  3.0F,         -3.0F,
                               6.0F,      -6.0F,      1e-8F,      -1e-8F,  std::nanf("")};
  return values;
}

/// The same bits, any NaN being equal to any other.
inline bool same_bits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) ||
         std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

/// The first index where the bits differ, or the size.
inline size_t first_difference(const float* a, const float* b, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!same_bits(a[i], b[i])) return i;
  return count;
}

/// Calls f(variant) for each row of a family's table that this CPU runs, and checks on the way that
/// asking for that instruction set selects it.
template <typename Variants, typename Select, typename F>
void for_each_row(const Variants& variants, Select select, F f) {
  for (const auto& variant : variants) {
    const auto token = CpuToken::probe(variant.isa);
    if (!token) continue;
    CAPTURE(std::string(isa_name(variant.isa)));
    CHECK(select(*token).isa == variant.isa);
    CHECK(select(*token).table == variant.table);
    f(variant);
  }
}

}  // namespace octet::test
