#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace octet {

/// 128 bits that stand for bytes. Not cryptographic: under a seed that nobody else knows, equal
/// digests of different bytes are as rare as chance makes them; under a known one they can be made.
struct Digest {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
  friend bool operator<(const Digest& a, const Digest& b) {
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }
};

/// A digest of bytes that come part by part.
class Digester {
 public:
  explicit Digester(const Digest& seed);
  /// The next bytes: a multiple of 64, but for the last.
  void add(std::span<const std::byte> bytes);
  Digest finish() const;

 private:
  // Four chains of products, named: compilers keep no array in registers.
  struct Chains {
    uint64_t a, b, c, d;
  };
  static Chains absorb(const Chains& state, const Chains& keys, const std::byte* block);

  Digest seed_;
  Chains keys_;
  Chains state_;
  std::array<std::byte, 64> last_{};
  uint64_t size_ = 0;
};

/// The digest of `bytes` under `seed`. Digests of parts are joined by digesting them in turn.
Digest digest_of(std::span<const std::byte> bytes, const Digest& seed);

/// A seed of the machine's random numbers.
Digest random_seed();

/// As 32 hexadecimal digits.
std::string to_hex(const Digest& digest);

}  // namespace octet
