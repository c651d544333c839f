#include "engine/ir/digest.h"

#include <cassert>
#include <cstring>
#include <random>

namespace octet {
namespace {

// Odd constants with about as many ones as zeros: the fractional parts of square roots of primes.
constexpr uint64_t kKeys[] = {0x6a09e667f3bcc909ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL,
                              0xa54ff53a5f1d36f1ULL, 0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL};
constexpr size_t kBlock = 64;

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

uint64_t next(uint64_t state, const std::byte* part, uint64_t key) {
  return mix(load(part) ^ key, load(part + 8) ^ state) + key;
}

}  // namespace

Digester::Digester(const Digest& seed)
    : seed_(seed),
      keys_{kKeys[0] ^ seed.high, kKeys[1] ^ seed.low, kKeys[2] ^ seed.high, kKeys[3] ^ seed.low} {
  const uint64_t start = seed.low ^ kKeys[4];
  state_ = {mix(keys_.a, start), mix(keys_.b, start), mix(keys_.c, start), mix(keys_.d, start)};
}

Digester::Chains Digester::absorb(const Chains& state, const Chains& keys, const std::byte* block) {
  return {next(state.a, block, keys.a), next(state.b, block + 16, keys.b),
          next(state.c, block + 32, keys.c), next(state.d, block + 48, keys.d)};
}

void Digester::add(std::span<const std::byte> bytes) {
  assert(size_ % kBlock == 0);
  size_ += bytes.size();
  Chains state = state_;
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock))
    state = absorb(state, keys_, bytes.data());
  state_ = state;
  if (!bytes.empty()) std::memcpy(last_.data(), bytes.data(), bytes.size());
}

Digest Digester::finish() const {
  const Chains state = absorb(state_, keys_, last_.data());
  const uint64_t a = mix(state.a ^ kKeys[4], state.b ^ size_);
  const uint64_t b = mix(state.c ^ kKeys[5], state.d ^ seed_.high);
  return {mix(a ^ kKeys[0], b ^ kKeys[1]),
          mix(b ^ kKeys[2], a ^ kKeys[3]) ^ a ^ (b << 32 | b >> 32)};
}

Digest digest_of(std::span<const std::byte> bytes, const Digest& seed) {
  Digester digester(seed);
  digester.add(bytes);
  return digester.finish();
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
