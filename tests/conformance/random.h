#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace octet::conformance {

/// SplitMix64 (https://doi.org/10.1145/2714064.2660195): the same numbers everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
  uint64_t bits() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// In [low, high].
  int64_t integer(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(bits() % static_cast<uint64_t>(high - low + 1));
  }
  bool chance() { return (bits() & 1) != 0; }
  /// In [low, high), a multiple of 2^-20.
  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 44) * 0x1p-20;
  }
  template <typename T>
  T pick(std::initializer_list<T> list) {
    return *(list.begin() + integer(0, static_cast<int64_t>(list.size()) - 1));
  }
  std::vector<int64_t> integers(size_t count, int64_t low, int64_t high) {
    std::vector<int64_t> values(count);
    for (int64_t& v : values) v = integer(low, high);
    return values;
  }
  std::vector<double> reals(size_t count, double low, double high) {
    std::vector<double> values(count);
    for (double& v : values) v = real(low, high);
    return values;
  }

 private:
  uint64_t state_;
};

}  // namespace octet::conformance
