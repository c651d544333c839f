#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace octet::onnx {

/// Wire types of protobuf's encoding.
enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Reads protobuf's wire format from `begin` to `end` of `file`; offsets are those of the file.
/// Every read is checked and gives false at a malformed or truncated place.
class WireReader {
 public:
  WireReader(std::span<const std::byte> file, size_t begin, size_t end)
      : file_(file), at_(begin), end_(end) {}

  bool done() const { return at_ == end_; }
  size_t offset() const { return at_; }

  bool varint(uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) return false;
      const auto byte = static_cast<uint64_t>(file_[at_++]);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  template <typename T>
  bool fixed(T& value) {
    if (end_ - at_ < sizeof(T)) return false;
    std::memcpy(&value, file_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return true;
  }
  bool skip(uint64_t count) {
    if (end_ - at_ < count) return false;
    at_ += count;
    return true;
  }

 private:
  std::span<const std::byte> file_;
  size_t at_;
  size_t end_;
};

}  // namespace octet::onnx
