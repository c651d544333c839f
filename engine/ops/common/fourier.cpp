#include "engine/ops/common/fourier.h"

#include <cmath>

namespace octet::ops {
namespace {

using Cell = Fourier::Cell;

Cell turned(const Cell& x, const std::complex<double>& root) {
  Cell y;
  for (size_t l = 0; l < Fourier::kLanes; ++l) {
    y.re[l] = x.re[l] * root.real() - x.im[l] * root.imag();
    y.im[l] = x.re[l] * root.imag() + x.im[l] * root.real();
  }
  return y;
}

Cell plus(const Cell& a, const Cell& b) {
  Cell y;
  for (size_t l = 0; l < Fourier::kLanes; ++l) {
    y.re[l] = a.re[l] + b.re[l];
    y.im[l] = a.im[l] + b.im[l];
  }
  return y;
}

Cell minus(const Cell& a, const Cell& b) {
  Cell y;
  for (size_t l = 0; l < Fourier::kLanes; ++l) {
    y.re[l] = a.re[l] - b.re[l];
    y.im[l] = a.im[l] - b.im[l];
  }
  return y;
}

// a + sign i b.
Cell plus_turned(const Cell& a, const Cell& b, double sign) {
  Cell y;
  for (size_t l = 0; l < Fourier::kLanes; ++l) {
    y.re[l] = a.re[l] - sign * b.im[l];
    y.im[l] = a.im[l] + sign * b.re[l];
  }
  return y;
}

std::vector<size_t> radices_of(size_t n) {
  std::vector<size_t> out;
  for (; n % 4 == 0; n /= 4) out.push_back(4);
  for (size_t p = 2; p * p <= n; ++p)
    for (; n % p == 0; n /= p) out.push_back(p);
  if (n > 1) out.push_back(n);
  return out;
}

}  // namespace

Fourier::Fourier(size_t length, bool inverse)
    : roots_(length), radices_(radices_of(length)), turn_(inverse ? 1.0 : -1.0) {
  const double step = turn_ * 2.0 * std::acos(-1.0) / static_cast<double>(length);
  for (size_t k = 0; k < length; ++k) roots_[k] = std::polar(1.0, step * static_cast<double>(k));
}

void Fourier::run(const Cell* x, Cell* y) const {
  if (length() == 1)
    y[0] = x[0];
  else
    level(x, 1, y, length(), 0);
}

// The transform of x[0], x[stride], ...: `radix` shorter ones behind each other in y, joined.
void Fourier::level(const Cell* x, size_t stride, Cell* y, size_t length, size_t depth) const {
  const size_t radix = radices_[depth];
  const size_t part = length / radix;
  for (size_t q = 0; q < radix; ++q) {
    if (part == 1)
      y[q] = x[q * stride];
    else
      level(x + q * stride, stride * radix, y + q * part, part, depth + 1);
  }
  if (radix == 4)
    fours(y, stride, part);
  else if (radix == 2)
    twos(y, stride, part);
  else
    primes(y, stride, part, radix);
}

void Fourier::fours(Cell* y, size_t stride, size_t part) const {
  for (size_t k = 0; k < part; ++k) {
    const size_t turn = k * stride;
    const Cell a = y[k];
    const Cell b = turned(y[k + part], roots_[turn]);
    const Cell c = turned(y[k + 2 * part], roots_[2 * turn]);
    const Cell d = turned(y[k + 3 * part], roots_[3 * turn]);
    const Cell even = plus(a, c);
    const Cell odd = plus(b, d);
    const Cell across = minus(a, c);
    const Cell between = minus(b, d);
    y[k] = plus(even, odd);
    y[k + part] = plus_turned(across, between, turn_);
    y[k + 2 * part] = minus(even, odd);
    y[k + 3 * part] = plus_turned(across, between, -turn_);
  }
}

void Fourier::twos(Cell* y, size_t stride, size_t part) const {
  for (size_t k = 0; k < part; ++k) {
    const Cell a = y[k];
    const Cell b = turned(y[k + part], roots_[k * stride]);
    y[k] = plus(a, b);
    y[k + part] = minus(a, b);
  }
}

void Fourier::primes(Cell* y, size_t stride, size_t part, size_t radix) const {
  std::vector<Cell> x(radix);
  const size_t step = length() / radix;
  for (size_t k = 0; k < part; ++k) {
    for (size_t q = 0; q < radix; ++q) x[q] = turned(y[k + q * part], roots_[q * k * stride]);
    for (size_t r = 0; r < radix; ++r) {
      Cell sum = x[0];
      for (size_t q = 1; q < radix; ++q)
        sum = plus(sum, turned(x[q], roots_[q * r % radix * step]));
      y[k + r * part] = sum;
    }
  }
}

}  // namespace octet::ops
