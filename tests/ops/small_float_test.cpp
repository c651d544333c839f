#include "engine/ir/small_float.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace octet;

namespace {

constexpr DType kSmall[] = {DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz,
                            DType::f4e2m1};

unsigned code_count(DType type) { return 1U << dtype_bits(type); }

}  // namespace

TEST_CASE("values of float8 and float4 are those of their standards") {
  struct Case {
    DType type;
    unsigned code;
    float value;
  };
  const Case cases[] = {
      {DType::f8e4m3fn, 0x7E, 448.0F},     {DType::f8e4m3fn, 0x01, 0x1p-9F},
      {DType::f8e4m3fn, 0x08, 0x1p-6F},    {DType::f8e4m3fnuz, 0x7F, 240.0F},
      {DType::f8e4m3fnuz, 0x01, 0x1p-10F}, {DType::f8e5m2, 0x7B, 57344.0F},
      {DType::f8e5m2, 0x01, 0x1p-16F},     {DType::f8e5m2, 0xFC, -INFINITY},
      {DType::f8e5m2fnuz, 0x7F, 57344.0F}, {DType::f8e5m2fnuz, 0x81, -0x1p-17F},
      {DType::f4e2m1, 0x7, 6.0F},          {DType::f4e2m1, 0x1, 0.5F},
      {DType::f4e2m1, 0xB, -1.5F},         {DType::f8e8m0, 0, 0x1p-127F},
      {DType::f8e8m0, 127, 1.0F},          {DType::f8e8m0, 254, 0x1p127F},
  };
  for (const Case& c : cases) {
    INFO(dtype_name(c.type) << " " << c.code);
    CHECK(small_float_value(c.type, static_cast<uint8_t>(c.code)) == c.value);
  }
  CHECK(std::isnan(small_float_value(DType::f8e4m3fn, 0x7F)));
  CHECK(std::isnan(small_float_value(DType::f8e4m3fnuz, 0x80)));
  CHECK(std::isnan(small_float_value(DType::f8e8m0, 0xFF)));
}

TEST_CASE("every value is stored as itself, and what lies between as the nearest, ties to even") {
  for (const DType type : kSmall) {
    INFO(dtype_name(type));
    for (unsigned code = 0; code < code_count(type); ++code) {
      const float value = small_float_value(type, static_cast<uint8_t>(code));
      if (std::isnan(value) || std::isinf(value)) continue;
      CHECK(small_float_bits(type, value, true) == code);
      const float next = small_float_value(type, static_cast<uint8_t>(code + 1));
      const bool up = code + 1 < code_count(type) / 2 && std::isfinite(next);
      if (!up) continue;
      const double middle = (static_cast<double>(value) + static_cast<double>(next)) / 2;
      CHECK(small_float_bits(type, middle, true) == (code % 2 == 0 ? code : code + 1));
      CHECK(small_float_bits(type, std::nextafter(middle, 0.0), true) == code);
      CHECK(small_float_bits(type, std::nextafter(middle, 1e9), true) == code + 1);
    }
  }
}

TEST_CASE("past the largest: it, infinity or NaN") {
  for (const double value : {1e6, HUGE_VAL}) {
    CHECK(small_float_bits(DType::f8e4m3fn, value, true) == 0x7E);
    CHECK(small_float_bits(DType::f8e4m3fn, value, false) == 0x7F);
    CHECK(small_float_bits(DType::f8e4m3fn, -value, false) == 0xFF);
    CHECK(small_float_bits(DType::f8e4m3fnuz, value, false) == 0x80);
    CHECK(small_float_bits(DType::f8e5m2, value, true) == 0x7B);
    CHECK(small_float_bits(DType::f8e5m2, value, false) == 0x7C);
    CHECK(small_float_bits(DType::f8e5m2fnuz, -value, true) == 0xFF);
    CHECK(small_float_bits(DType::f4e2m1, -value, false) == 0xF);
  }
  // 464 is the middle between 448 and what would follow it.
  CHECK(small_float_bits(DType::f8e4m3fn, 464.0, false) == 0x7E);
  CHECK(small_float_bits(DType::f8e4m3fn, 464.1, false) == 0x7F);
  CHECK(small_float_bits(DType::f8e4m3fnuz, -0.0, true) == 0);
}

TEST_CASE("powers of two round up, down or to the nearest") {
  const auto bits = [](double value, PowerRounding rounding) {
    return small_float_bits(DType::f8e8m0, value, true, rounding);
  };
  CHECK(bits(1.0, PowerRounding::up) == 127);
  CHECK(bits(1.01, PowerRounding::up) == 128);
  CHECK(bits(1.99, PowerRounding::down) == 127);
  CHECK(bits(1.5, PowerRounding::nearest) == 128);
  CHECK(bits(1.49, PowerRounding::nearest) == 127);
  CHECK(bits(0.0, PowerRounding::up) == 0);
  CHECK(bits(HUGE_VAL, PowerRounding::up) == 254);
  CHECK(small_float_bits(DType::f8e8m0, 0.0, false) == 255);
}

TEST_CASE("packed elements keep their neighbours") {
  for (const DType type : {DType::u2, DType::s2, DType::u4, DType::s4}) {
    INFO(dtype_name(type));
    std::byte bytes[2] = {};
    const auto range = static_cast<unsigned>(1 << dtype_bits(type));
    const size_t count = 16 / static_cast<size_t>(dtype_bits(type));
    for (size_t i = 0; i < count; ++i)
      write_bits(type, bytes, i, static_cast<uint8_t>((i * 3 + 1) % range));
    for (size_t i = 0; i < count; ++i) CHECK(read_bits(type, bytes, i) == (i * 3 + 1) % range);
  }
  std::byte ones{0xFF};
  CHECK(read_packed(DType::s2, &ones, 3) == -1);
  CHECK(read_packed(DType::u2, &ones, 3) == 3);
  CHECK(read_packed(DType::s4, &ones, 1) == -1);
}
