#pragma once

#include <cstdint>

namespace octet::kernels {

/// How real numbers become 8-bit codes: nearest_even(x / scale) + zero_point, clamped to [low,
/// high]; NaN gives the zero point, within the limits or not. They are those of u8 or s8, or lie
/// within them.
struct CodeRounding {
  float scale = 1.0F;
  int32_t zero_point = 0;
  int32_t low = 0, high = 255;
};

}  // namespace octet::kernels
