#include "engine/ir/digest.h"

#include <cstring>
#include <random>

namespace octet {
namespace {

// Odd constants with about as many ones as zeros: the fractional parts of square roots of primes.
constexpr uint64_t kKeys[] = {0x6a09e667f3bcc909ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL,
                              0xa54ff53a5f1d36f1ULL, 0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL};
constexpr size_t kChains = 4;
constexpr size_t kBlock = 16;  // Bytes that a chain takes at a time.

// Both halves of the 128-bit product, folded.
uint64_t mix(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t load(const std::byte* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

uint64_t absorb(uint64_t state, const std::byte* block, uint64_t key) {
  return mix(load(block) ^ key, load(block + 8) ^ state) + key;
}

}  // namespace

Digest digest_of(std::span<const std::byte> bytes, const Digest& seed) {
  uint64_t keys[kChains];
  uint64_t state[kChains];
  for (size_t c = 0; c < kChains; ++c) {
    keys[c] = kKeys[c] ^ (c % 2 == 0 ? seed.high : seed.low);
    state[c] = mix(keys[c], seed.low ^ kKeys[4]);
  }
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= kChains * kBlock; left -= kChains * kBlock, at += kChains * kBlock)
    for (size_t c = 0; c < kChains; ++c) state[c] = absorb(state[c], at + c * kBlock, keys[c]);
  std::byte last[kChains * kBlock] = {};
  if (left > 0) std::memcpy(last, at, left);
  for (size_t c = 0; c < kChains; ++c) state[c] = absorb(state[c], last + c * kBlock, keys[c]);
  const uint64_t size = bytes.size();
  const uint64_t a = mix(state[0] ^ kKeys[4], state[1] ^ size);
  const uint64_t b = mix(state[2] ^ kKeys[5], state[3] ^ seed.high);
  return {mix(a ^ kKeys[0], b ^ kKeys[1]),
          mix(b ^ kKeys[2], a ^ kKeys[3]) ^ a ^ (b << 32 | b >> 32)};
}

Digest random_seed() {
  std::random_device random;
  const auto word = [&] { return uint64_t{random()} << 32 | random(); };
  return {word(), word()};
}

std::string to_hex(const Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint64_t word : {digest.high, digest.low})
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[word >> shift & 15];
  return text;
}

}  // namespace octet
