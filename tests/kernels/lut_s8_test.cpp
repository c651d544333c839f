#include "kernels/lut_s8/lut_s8.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
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

TEST_CASE("lut_s8: every variant gives a curve's code at the nearest argument, at every length") {
  std::mt19937 random(7);
  std::uniform_int_distribution<int32_t> any(-16384, 16383);
  CodeCurve curve = {};
  for (CodeCurve::Chord& chord : curve.chords)
    chord = {static_cast<int16_t>(any(random)), static_cast<int16_t>(any(random))};
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> in = {-infinity, -1e20F,   -0.6F,     -0.5F, 0.5F,     1.5F,
                           65534.5F,  65535.4F, 65536.75F, 1e20F, infinity, std::nanf("")};
  for (int32_t i = 0; i < 700; ++i) in.push_back(static_cast<float>(any(random) + 16384) * 2.03F);
  SerialParallel serial;
  for (const Variant<LutS8Table>& variant : lut_s8_variants()) {
    if (!CpuToken::probe(variant.isa)) continue;
    CAPTURE(isa_name(variant.isa));
    for (const bool is_signed : {false, true})
      for (const size_t count :
           {size_t{0}, size_t{1}, size_t{15}, size_t{17}, size_t{64}, size_t{100}, in.size()}) {
        CAPTURE(count);
        std::vector<uint8_t> expected(in.size() + 1, 0xaa), given(expected);
        for (size_t i = 0; i < count; ++i) {
          const double held = std::isnan(in[i]) ? 0.0 : std::min(std::max(in[i], 0.0F), 65535.0F);
          const auto at = static_cast<int32_t>(std::nearbyint(held));
          const CodeCurve::Chord chord = curve.chords[at / 512];
          const double height = chord.start + std::floor(chord.slope * (at % 512) / 512.0 + 0.5);
          const double code = std::min(std::max(std::floor(height / 128.0), -128.0), 127.0);
          expected[i] = static_cast<uint8_t>(static_cast<int32_t>(code) + (is_signed ? 0 : 128));
        }
        variant.table->curve(in.data(), given.data(), count, curve, is_signed, serial);
        CHECK((given == expected));
      }
  }
}
