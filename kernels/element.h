#pragma once

#include <cstdint>

namespace octet::kernels {

/// The type of a tensor's elements as kernels see it. 4-bit codes are held unpacked in u8 or s8.
enum class Element : uint8_t { u8, s8, u16, s16, s32, f32 };

}  // namespace octet::kernels
