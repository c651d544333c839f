#include "kernels/half.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

using namespace octet;

static_assert(to_half(1.0F).bits == 0x3C00 && to_float(Half{0x3C00}) == 1.0F);
static_assert(to_bfloat16(-2.0F).bits == 0xC000 && to_float(Bfloat16{0xC000}) == -2.0F);

TEST_CASE("every half survives the way through float, a NaN becomes quiet") {
  for (uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const Half half{static_cast<uint16_t>(bits)};
    const float value = to_float(half);
    const bool nan = (bits & 0x7C00U) == 0x7C00U && (bits & 0x3FFU) != 0;
    CHECK(std::isnan(value) == nan);
    const uint32_t expected = nan ? (bits | 0x200U) : bits;
    if (to_half(value).bits != expected) FAIL("half " << bits);
  }
}

TEST_CASE("to_half rounds to the nearest half, ties to even") {
  for (uint32_t bits = 0; bits < 0x7BFFU; ++bits) {
    const float low = to_float(Half{static_cast<uint16_t>(bits)});
    const float high = to_float(Half{static_cast<uint16_t>(bits + 1)});
    const float middle = low + (high - low) * 0.5F;
    const uint32_t even = (bits & 1U) == 0 ? bits : bits + 1;
    const float infinity = std::numeric_limits<float>::infinity();
    REQUIRE(to_half(middle).bits == even);
    REQUIRE(to_half(-middle).bits == (even | 0x8000U));
    REQUIRE(to_half(std::nextafter(middle, 0.0F)).bits == bits);
    REQUIRE(to_half(std::nextafter(middle, infinity)).bits == bits + 1);
  }
  CHECK(to_half(65504.0F).bits == 0x7BFF);
  CHECK(to_half(65519.996F).bits == 0x7BFF);
  CHECK(to_half(65520.0F).bits == 0x7C00);
  CHECK(to_half(1e30F).bits == 0x7C00);
  CHECK(to_half(0x1p-25F).bits == 0);
  CHECK(to_half(-0x1.000002p-25F).bits == 0x8001);
}

TEST_CASE("to_bfloat16 rounds to nearest even and keeps NaN and infinity") {
  CHECK(to_bfloat16(1.0F + 0x1p-8F).bits == 0x3F80);
  CHECK(to_bfloat16(1.0F + 0x1p-8F + 0x1p-20F).bits == 0x3F81);
  CHECK(to_bfloat16(1.0F + 0x1p-7F + 0x1p-8F).bits == 0x3F82);
  CHECK(to_bfloat16(std::numeric_limits<float>::max()).bits == 0x7F80);
  CHECK(to_bfloat16(-std::numeric_limits<float>::infinity()).bits == 0xFF80);
  CHECK(std::isnan(to_float(to_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
}
