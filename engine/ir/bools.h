#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace octet {

/// Whether each byte is 0 or 1: C++ has no other bools.
inline bool are_bools(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b <= std::byte{1}; });
}

}  // namespace octet
