#include "engine/ir/small_float.h"

#include <cmath>
#include <limits>

namespace octet {
namespace {

struct Format {
  int mantissa_bits;
  int bias;
  unsigned sign;      ///< The sign bit.
  unsigned largest;   ///< Code of the largest finite magnitude.
  unsigned infinity;  ///< Code; 0 where there is none.
  unsigned nan;       ///< Code; 0 where there is none.
  bool minus_zero;    ///< False: the sign bit alone is the only NaN.
};

Format format_of(DType type) {
  switch (type) {
    case DType::f8e4m3fn: return {3, 7, 0x80, 0x7E, 0, 0x7F, true};
    case DType::f8e4m3fnuz: return {3, 8, 0x80, 0x7F, 0, 0x80, false};
    case DType::f8e5m2: return {2, 15, 0x80, 0x7B, 0x7C, 0x7F, true};
    case DType::f8e5m2fnuz: return {2, 16, 0x80, 0x7F, 0, 0x80, false};
    default: return {1, 1, 0x8, 0x7, 0, 0, true};  // E2M1
  }
}

// The magnitude of a code without its sign; past the largest, what the next one would be.
double magnitude(const Format& format, unsigned code) {
  const unsigned fraction = code & ((1U << format.mantissa_bits) - 1);
  const int exponent = static_cast<int>(code >> format.mantissa_bits);
  const int scale = (exponent == 0 ? 1 : exponent) - format.bias - format.mantissa_bits;
  const unsigned whole = exponent == 0 ? fraction : fraction + (1U << format.mantissa_bits);
  return std::ldexp(static_cast<double>(whole), scale);
}

constexpr int kPowerBias = 127;
constexpr uint8_t kPowerNan = 0xFF;
constexpr int kPowerLargest = 0xFE;

uint8_t power_bits(double value, bool saturate, PowerRounding rounding) {
  if (std::isnan(value) || value < 0.0) return kPowerNan;
  if (std::isinf(value)) return saturate ? kPowerLargest : kPowerNan;
  if (value == 0.0) return saturate ? 0 : kPowerNan;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);  // in [0.5, 1)
  int code = exponent - 1 + kPowerBias;
  if (code >= 0) {
    if (rounding == PowerRounding::up && fraction > 0.5) ++code;
    if (rounding == PowerRounding::nearest && fraction >= 0.75) ++code;
  }
  if (code < 0) return saturate ? 0 : kPowerNan;
  if (code > kPowerLargest) return saturate ? kPowerLargest : kPowerNan;
  return static_cast<uint8_t>(code);
}

}  // namespace

float small_float_value(DType type, uint8_t bits) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  if (type == DType::f8e8m0)
    return bits == kPowerNan ? kNan : std::ldexp(1.0F, static_cast<int>(bits) - kPowerBias);
  const Format format = format_of(type);
  if (!format.minus_zero && bits == format.nan) return kNan;
  const unsigned code = bits & (format.sign - 1);
  const float sign = (bits & format.sign) != 0 ? -1.0F : 1.0F;
  if (code > format.largest)
    return code == format.infinity ? sign * std::numeric_limits<float>::infinity() : kNan;
  return sign * static_cast<float>(magnitude(format, code));
}

uint8_t small_float_bits(DType type, double value, bool saturate, PowerRounding rounding) {
  if (type == DType::f8e8m0) return power_bits(value, saturate, rounding);
  const Format format = format_of(type);
  const unsigned sign = std::signbit(value) ? format.sign : 0;
  const auto finish = [&](unsigned code) { return static_cast<uint8_t>(code | sign); };
  const bool has_nan = format.nan != 0;
  if (std::isnan(value)) {
    if (!has_nan) return static_cast<uint8_t>(format.sign);
    return format.minus_zero ? finish(format.nan) : static_cast<uint8_t>(format.nan);
  }
  // The code below the magnitude, then the nearer of it and the next; the code's order is the
  // value's.
  const double wanted = std::fabs(value);
  unsigned low = 0;
  unsigned high = format.largest + 1;
  while (high - low > 1) {
    const unsigned middle = (low + high) / 2;
    (magnitude(format, middle) <= wanted ? low : high) = middle;
  }
  const double below = wanted - magnitude(format, low);
  const double above = magnitude(format, high) - wanted;
  const unsigned code = below < above || (below == above && low % 2 == 0) ? low : high;
  if (code > format.largest) {
    if (saturate || !has_nan) return finish(format.largest);
    if (format.infinity != 0) return finish(format.infinity);
    return format.minus_zero ? finish(format.nan) : static_cast<uint8_t>(format.nan);
  }
  return code == 0 && !format.minus_zero ? uint8_t{0} : finish(code);
}

}  // namespace octet
