#include "tests/conformance/oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::conformance {

size_t count_of(const Dims& dims) {
  size_t count = 1;
  for (const int64_t d : dims) count *= static_cast<size_t>(d);
  return count;
}

Range range_of(DType type) {
  switch (type) {
    case DType::u2: return {0, 3};
    case DType::s2: return {-2, 1};
    case DType::u4: return {0, 15};
    case DType::s4: return {-8, 7};
    case DType::u8: return {0, 255};
    case DType::s8: return {-128, 127};
    case DType::u16: return {0, 65535};
    case DType::s16: return {-32768, 32767};
    default: return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
  }
}

namespace {

// Elements of `bits` bits, the first in the lowest bits of a byte, little-endian.
Tensor packed(DType type, const Dims& dims, const std::vector<uint64_t>& values, size_t bits) {
  std::vector<std::byte> bytes((values.size() * bits + 7) / 8);
  for (size_t i = 0; i < values.size(); ++i)
    for (size_t b = 0; b < bits; ++b)
      if ((values[i] >> b & 1) != 0)
        bytes[(i * bits + b) / 8] |= static_cast<std::byte>(1U << ((i * bits + b) % 8));
  return Tensor::copy(type, dims, bytes);
}

size_t width_of(DType type) {
  switch (type) {
    case DType::u2:
    case DType::s2: return 2;
    case DType::u4:
    case DType::s4:
    case DType::f4e2m1: return 4;
    case DType::u16:
    case DType::s16: return 16;
    case DType::s32: return 32;
    case DType::s64: return 64;
    default: return 8;
  }
}

struct Form {
  unsigned mantissa, bias, sign, largest;
  bool negative_zero_is_nan;
};

Form form_of(DType type) {
  switch (type) {
    case DType::f8e4m3fn: return {3, 7, 0x80, 0x7E, false};
    case DType::f8e4m3fnuz: return {3, 8, 0x80, 0x7F, true};
    case DType::f8e5m2: return {2, 15, 0x80, 0x7B, false};
    case DType::f8e5m2fnuz: return {2, 16, 0x80, 0x7F, true};
    default: return {1, 1, 0x8, 0x7, false};
  }
}

}  // namespace

Tensor codes(DType type, const Dims& dims, const std::vector<int64_t>& values) {
  return packed(type, dims, {values.begin(), values.end()}, width_of(type));
}

double small_value(DType type, unsigned code) {
  const Form form = form_of(type);
  const double sign = (code & form.sign) != 0 ? -1.0 : 1.0;
  const unsigned magnitude = code & (form.sign - 1);
  const unsigned exponent = magnitude >> form.mantissa;
  const double fraction = static_cast<double>(magnitude & ((1U << form.mantissa) - 1)) /
                          static_cast<double>(1U << form.mantissa);
  const double bias = form.bias;
  if (exponent == 0) return sign * fraction * std::exp2(1.0 - bias);
  return sign * (1.0 + fraction) * std::exp2(static_cast<double>(exponent) - bias);
}

unsigned small_code(DType type, double value) {
  const Form form = form_of(type);
  unsigned best = 0;
  double error = std::fabs(value);
  for (unsigned magnitude = 1; magnitude <= form.largest; ++magnitude) {
    const double next = std::fabs(std::fabs(value) - small_value(type, magnitude));
    if (next < error || (next == error && magnitude % 2 == 0)) {
      best = magnitude;
      error = next;
    }
  }
  const bool plain_zero = best == 0 && form.negative_zero_is_nan;
  return best | (std::signbit(value) && !plain_zero ? form.sign : 0U);
}

Tensor small_codes(DType type, const Dims& dims, const std::vector<unsigned>& values) {
  return packed(type, dims, {values.begin(), values.end()}, width_of(type));
}

Tensor reals(DType type, const Dims& dims, const std::vector<double>& values) {
  if (type == DType::f32) return Tensor::of(dims, std::vector<float>(values.begin(), values.end()));
  std::vector<unsigned> small;
  for (const double v : values) small.push_back(small_code(type, v));
  return small_codes(type, dims, small);
}

int64_t round_even(double value) {
  const double low = std::floor(value);
  const double rest = value - low;
  auto whole = static_cast<int64_t>(low);
  if (rest > 0.5 || (rest == 0.5 && whole % 2 != 0)) ++whole;
  return whole;
}

Rounded rounded(double scaled, int64_t zero, DType type) {
  const Range range = range_of(type);
  const double rest = scaled - std::floor(scaled);
  const int64_t code = round_even(scaled) + zero;
  return {std::clamp(code, range.low, range.high), std::fabs(rest - 0.5) < 1e-3};
}

Expected expected_codes(const std::vector<double>& real, const Dims& dims, const Params& params) {
  Expected expected;
  std::vector<int64_t> values;
  for (const double r : real) {
    const Rounded next = rounded(r / params.scale[0], params.zero[0], params.type);
    values.push_back(next.code);
    expected.tie.push_back(next.tie);
  }
  expected.value = codes(params.type, dims, values);
  return expected;
}

std::vector<double> matmul(const std::vector<double>& a, const std::vector<double>& b, size_t batch,
                           size_t m, size_t k, size_t n, bool shared) {
  std::vector<double> y(batch * m * n, 0.0);
  for (size_t p = 0; p < batch; ++p)
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j)
        for (size_t c = 0; c < k; ++c)
          y[(p * m + i) * n + j] += a[(p * m + i) * k + c] * b[((shared ? 0 : p) * k + c) * n + j];
  return y;
}

std::vector<double> convolve(const Convolution& s, const std::vector<double>& x,
                             const std::vector<double>& w) {
  std::vector<double> y;
  const int64_t each = s.channels / s.group;
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t o = 0; o < s.outputs; ++o)
      for (int64_t row = 0; row < s.out_height(); ++row)
        for (int64_t column = 0; column < s.out_width(); ++column) {
          double sum = 0.0;
          for (int64_t c = 0; c < each; ++c)
            for (int64_t i = 0; i < s.kernel_h; ++i)
              for (int64_t j = 0; j < s.kernel_w; ++j) {
                const int64_t at_row = row * s.stride - s.pad + i * s.dilation;
                const int64_t at_column = column * s.stride - s.pad + j * s.dilation;
                if (at_row < 0 || at_row >= s.height || at_column < 0 || at_column >= s.width)
                  continue;
                const int64_t channel = o / (s.outputs / s.group) * each + c;
                const int64_t from =
                    ((n * s.channels + channel) * s.height + at_row) * s.width + at_column;
                const int64_t tap = ((o * each + c) * s.kernel_h + i) * s.kernel_w + j;
                sum += x[static_cast<size_t>(from)] * w[static_cast<size_t>(tap)];
              }
          y.push_back(sum);
        }
  return y;
}

std::string difference(const Tensor& got, const Expected& want) {
  const Tensor& value = want.value;
  if (got.dtype() != value.dtype() || got.dims() != value.dims())
    return "is " + std::string(dtype_name(got.dtype())) + " of other dims or type";
  const auto at = [](size_t i) { return "element " + std::to_string(i); };
  if (!dtype_is_integer(value.dtype()) && !dtype_is_small_float(value.dtype())) {
    const auto a = got.to_float();
    const auto b = value.to_float();
    for (size_t i = 0; i < a.size(); ++i) {
      const double apart = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
      if (!(apart <= want.absolute) && a[i] != b[i])
        return at(i) + " is " + std::to_string(a[i]) + ", not " + std::to_string(b[i]);
    }
    return "";
  }
  if (dtype_is_small_float(value.dtype())) return got == value ? "" : "differs";
  const auto a = got.to_int64();
  const auto b = value.to_int64();
  for (size_t i = 0; i < a.size(); ++i) {
    const int64_t allowed = want.codes + (!want.tie.empty() && want.tie[i] ? 1 : 0);
    if (std::abs(a[i] - b[i]) > allowed)
      return at(i) + " is " + std::to_string(a[i]) + ", not " + std::to_string(b[i]);
  }
  return "";
}

}  // namespace octet::conformance
