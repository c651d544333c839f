#pragma once

#include <bit>
#include <cstdint>

namespace octet {

/// IEEE 754 binary16, held as its bits. Arithmetic is done in float.
struct Half {
  uint16_t bits = 0;
  friend constexpr bool operator==(Half, Half) = default;
};

/// bfloat16: the upper half of a binary32, held as its bits.
struct Bfloat16 {
  uint16_t bits = 0;
  friend constexpr bool operator==(Bfloat16, Bfloat16) = default;
};

/// Exact. A signalling NaN becomes quiet and keeps its payload, as VCVTPH2PS does.
constexpr float to_float(Half half) {
  const uint32_t sign = static_cast<uint32_t>(half.bits & 0x8000U) << 16;
  const uint32_t exponent = (half.bits >> 10) & 0x1FU;
  const uint32_t mantissa = half.bits & 0x3FFU;
  if (exponent == 0x1FU) {
    const uint32_t quiet = mantissa != 0 ? 0x400000U : 0U;
    return std::bit_cast<float>(sign | 0x7F800000U | quiet | (mantissa << 13));
  }
  if (exponent != 0)
    return std::bit_cast<float>(sign | ((exponent + 112U) << 23) | (mantissa << 13));
  // Zero and subnormals: mantissa * 2^-24, exact in binary32.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
}

/// Round to nearest, ties to even; overflow gives infinity, subnormals are kept. A NaN stays a NaN,
/// quiet, with the upper bits of its payload, as VCVTPS2PH does.
constexpr Half to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000U);
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U)
    return {static_cast<uint16_t>(sign | 0x7E00U | ((magnitude >> 13) & 0x3FFU))};
  if (magnitude >= 0x477FF000U) return {static_cast<uint16_t>(sign | 0x7C00U)};
  if (magnitude < 0x38800000U) {
    // Below 2^-14 the sum with 0.5 leaves value / 2^-24, rounded to nearest even, in the low bits.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    return {static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000U))};
  }
  const uint32_t odd = (magnitude >> 13) & 1U;
  const uint32_t rounded = magnitude - (112U << 23) + 0xFFFU + odd;
  return {static_cast<uint16_t>(sign | (rounded >> 13))};
}

/// Exact.
constexpr float to_float(Bfloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

/// Round to nearest, ties to even; overflow gives infinity, a NaN stays a NaN and becomes quiet.
constexpr Bfloat16 to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return {static_cast<uint16_t>((bits >> 16) | 0x40U)};
  const uint32_t odd = (bits >> 16) & 1U;
  return {static_cast<uint16_t>((bits + 0x7FFFU + odd) >> 16)};
}

}  // namespace octet
