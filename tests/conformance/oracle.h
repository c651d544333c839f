#pragma once

#include <optional>
#include <vector>

#include "tests/conformance/cases.h"

namespace octet::conformance {

/// Range of an integer type's codes.
struct Range {
  int64_t low;
  int64_t high;
};
Range range_of(DType type);

/// Codes of `type` as a tensor.
Tensor codes(DType type, const Dims& dims, const std::vector<int64_t>& values);
/// Numbers as a tensor of floats, or of a float8 or float4 type, rounded to nearest.
Tensor reals(DType type, const Dims& dims, const std::vector<double>& values);
/// What a float8 or float4 element stands for.
double small_value(DType type, unsigned code);
/// The code whose value is nearest, ties to even; past the largest the largest.
unsigned small_code(DType type, double value);
/// Elements of `type`, which is one of these, from their codes.
Tensor small_codes(DType type, const Dims& dims, const std::vector<unsigned>& values);

/// `value` to the nearest integer, ties to even.
int64_t round_even(double value);

/// Quantization parameters of a tensor: per tensor, or one pair a channel of an axis.
struct Params {
  DType type = DType::u8;
  std::vector<double> scale = {1.0};  ///< Floats.
  std::vector<int64_t> zero = {0};
  double scale_of(size_t channel) const { return scale[scale.size() == 1 ? 0 : channel]; }
  int64_t zero_of(size_t channel) const { return zero[zero.size() == 1 ? 0 : channel]; }
};

/// The code of `value`, which is already divided by the scale; `tie` when it lies within 1/1000 of
/// the middle between two codes.
struct Rounded {
  int64_t code;
  bool tie;
};
Rounded rounded(double scaled, int64_t zero, DType type);

/// Codes of real numbers as an expected result.
Expected expected_codes(const std::vector<double>& real, const Dims& dims, const Params& params);

/// [batch, m, k] x [k, n] or [batch, k, n] over numbers that are exact in double.
std::vector<double> matmul(const std::vector<double>& a, const std::vector<double>& b, size_t batch,
                           size_t m, size_t k, size_t n, bool shared);

/// A convolution over 1 or 2 spatial axes. Input [n, c, h, w], weights [o, c / group, kh, kw].
struct Convolution {
  int64_t batch = 1, channels = 1, height = 1, width = 1, outputs = 1, kernel_h = 1, kernel_w = 1;
  int64_t group = 1, stride = 1, dilation = 1, pad = 0;
  int64_t out_height() const {
    return (height + 2 * pad - dilation * (kernel_h - 1) - 1) / stride + 1;
  }
  int64_t out_width() const {
    return (width + 2 * pad - dilation * (kernel_w - 1) - 1) / stride + 1;
  }
  Dims input_dims() const { return {batch, channels, height, width}; }
  Dims weight_dims() const { return {outputs, channels / group, kernel_h, kernel_w}; }
  Dims output_dims() const { return {batch, outputs, out_height(), out_width()}; }
};
/// Numbers less their zero points, so that padding is 0.
std::vector<double> convolve(const Convolution& shape, const std::vector<double>& x,
                             const std::vector<double>& w);

size_t count_of(const Dims& dims);

}  // namespace octet::conformance
