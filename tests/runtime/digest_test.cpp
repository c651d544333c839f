#include "engine/ir/digest.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <vector>

namespace octet {
namespace {

constexpr Digest kSeed = {0x0123456789abcdefULL, 0xfedcba9876543210ULL};

std::vector<std::byte> random_bytes(size_t count) {
  std::mt19937 random(7);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 255);
  return bytes;
}

TEST_CASE("a digest by parts is that of the whole, however the whole is cut into blocks") {
  const auto bytes = random_bytes(1000);
  for (const size_t size : {0UL, 1UL, 63UL, 64UL, 65UL, 128UL, 999UL, 1000UL})
    for (const size_t part : {64UL, 192UL, 640UL, 1024UL}) {
      CAPTURE(size);
      CAPTURE(part);
      std::span<const std::byte> left = std::span(bytes).first(size);
      const Digest whole = digest_of(left, kSeed);
      Digester digester(kSeed);
      for (; left.size() > part; left = left.subspan(part)) digester.add(left.first(part));
      digester.add(left);
      CHECK(digester.finish() == whole);
    }
}

TEST_CASE("a digest tells every byte, the size and the seed") {
  auto bytes = random_bytes(200);
  std::set<Digest> seen;
  size_t count = 0;
  const auto add = [&](std::span<const std::byte> some, const Digest& seed) {
    seen.insert(digest_of(some, seed));
    ++count;
  };
  for (std::byte& byte : bytes)
    for (const int bit : {1, 128}) {
      byte ^= static_cast<std::byte>(bit);
      add(bytes, kSeed);
      byte ^= static_cast<std::byte>(bit);
    }
  const std::vector<std::byte> zeros(200);
  for (size_t size = 0; size <= zeros.size(); ++size) add(std::span(zeros).first(size), kSeed);
  add(bytes, {kSeed.high + 1, kSeed.low});
  add(bytes, {kSeed.high, kSeed.low + 1});
  add(bytes, kSeed);
  CHECK(seen.size() == count);
}

}  // namespace
}  // namespace octet
