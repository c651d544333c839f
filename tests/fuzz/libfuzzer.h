#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

// What libFuzzer's harnesses share (https://llvm.org/docs/LibFuzzer.html).

namespace octet::fuzz {

inline std::string_view as_text(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
inline std::span<const std::byte> as_bytes(const uint8_t* data, size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// A folder of this process's own, on a disk of memory where there is one.
const std::filesystem::path& own_folder();

}  // namespace octet::fuzz
