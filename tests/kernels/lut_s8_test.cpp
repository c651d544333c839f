#include "kernels/lut_s8/lut_s8.h"

#include <doctest/doctest.h>

#include <vector>

using namespace octet;
using namespace octet::kernels;

TEST_CASE("lut_s8: every variant maps every code at every length, in place too") {
  uint8_t table[256];
  std::vector<uint8_t> codes(700);
  for (size_t i = 0; i < 256; ++i) table[i] = static_cast<uint8_t>(i * 167 + 13);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(i * 89);
  SerialParallel serial;
  for (const Variant<LutS8Table>& variant : lut_s8_variants()) {
    const auto token = CpuToken::probe(variant.isa);
    if (!token) continue;
    CAPTURE(isa_name(variant.isa));
    CHECK(select_lut_s8(*token).isa == variant.isa);
    for (const size_t count : {0, 1, 31, 32, 33, 63, 64, 65, 100, 699}) {
      CAPTURE(count);
      std::vector<uint8_t> expected(codes), apart(codes), in_place(codes);
      for (size_t i = 0; i < count; ++i) expected[i] = table[codes[i]];
      variant.table->map(codes.data(), apart.data(), count, table, serial);
      variant.table->map(in_place.data(), in_place.data(), count, table, serial);
      CHECK((apart == expected));
      CHECK((in_place == expected));
    }
  }
}
