#pragma once
#include <array>
#include <complex>
#include <cstddef>
#include <vector>

namespace octet::ops {

/// Discrete Fourier transform of one length, of kLanes rows at a time: y[k] is the sum over i of
/// x[i] e^(-2 pi i k / n), the exponent's sign turned for the inverse, unscaled either way. Mixed
/// radices by decimation in time (Cooley and Tukey 1965): O(n times the sum of n's prime factors).
class Fourier {
 public:
  static constexpr size_t kLanes = 4;
  /// One element of each of the rows.
  struct Cell {
    std::array<double, kLanes> re{};
    std::array<double, kLanes> im{};
  };

  Fourier(size_t length, bool inverse);
  size_t length() const { return roots_.size(); }
  /// x and y hold length() cells each and don't overlap.
  void run(const Cell* x, Cell* y) const;

 private:
  void level(const Cell* x, size_t stride, Cell* y, size_t length, size_t depth) const;
  void fours(Cell* y, size_t stride, size_t part) const;
  void twos(Cell* y, size_t stride, size_t part) const;
  void primes(Cell* y, size_t stride, size_t part, size_t radix) const;

  std::vector<std::complex<double>> roots_;  ///< e^(-2 pi i k / n), or its conjugate.
  std::vector<size_t> radices_;              ///< Their product is n.
  double turn_;                              ///< The sign of i in the fourth root of one.
};

}  // namespace octet::ops
