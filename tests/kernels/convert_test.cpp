#include "kernels/convert/convert.h"

#include <cstring>
#include <vector>

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

// Every upper half of a float with lower halves about the rounding boundaries.
std::vector<float> boundary_floats() {
  std::vector<float> values;
  for (uint32_t upper = 0; upper < 0x10000U; ++upper)
    for (const uint32_t lower : {0x0U, 0x1U, 0x1000U, 0x7FFFU, 0x8000U, 0x8001U, 0xF000U, 0xFFFFU})
      values.push_back(std::bit_cast<float>(upper << 16 | lower));
  values.pop_back();
  return values;
}

template <typename From, typename To, typename Expect>
void check(const std::vector<From>& x, Expect expect) {
  SplitParallel split;
  for_each_row(
      convert_variants(),
      [](CpuToken token) -> const ConvertVariant& { return select_convert(token); },
      [&](const ConvertVariant& variant) {
        std::vector<To> y(x.size());
        convert(*variant.table, x.data(), y.data(), x.size(), split);
        for (size_t i = 0; i < x.size(); ++i) {
          const To expected = expect(x[i]);
          if (std::memcmp(&y[i], &expected, sizeof(To)) != 0) FAIL("element " << i);
        }
      });
}

}  // namespace

TEST_CASE("convert: every row rounds as half.h does") {
  std::vector<Half> halves;
  std::vector<Bfloat16> bfloats;
  for (uint32_t bits = 0; bits < 0xFFFFU; ++bits) {
    halves.push_back({static_cast<uint16_t>(bits)});
    bfloats.push_back({static_cast<uint16_t>(bits)});
  }
  const std::vector<float> floats = boundary_floats();
  check<Half, float>(halves, [](Half x) { return to_float(x); });
  check<Bfloat16, float>(bfloats, [](Bfloat16 x) { return to_float(x); });
  check<float, Half>(floats, [](float x) { return to_half(x); });
  check<float, Bfloat16>(floats, [](float x) { return to_bfloat16(x); });
}
