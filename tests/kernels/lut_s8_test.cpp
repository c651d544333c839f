#include "kernels/lut_s8/lut_s8.h"

#include "tests/support/code_kernels.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

TEST_CASE("lut_s8: every instruction set gives the oracle's codes") {
  SplitParallel split;
  GuardedBytes table(256);
  table.randomize(1);
  for (const size_t count : {1, 31, 32, 300, 1031}) {
    GuardedBytes in(count), expected(count), out(count);
    for (size_t i = 0; i < count; ++i) in.data()[i] = static_cast<uint8_t>(i);
    lut_s8_variants()[0].table->map(in.data(), expected.data(), count, table.data(), split);
    for_each_variant(lut_s8_variants(), select_lut_s8, [&](const LutS8Table& row) {
      row.map(in.data(), out.data(), count, table.data(), split);
      CHECK(first_difference(out, expected) == -1);
      std::memcpy(out.data(), in.data(), count);
      row.map(out.data(), out.data(), count, table.data(), split);
      CHECK(first_difference(out, expected) == -1);
    });
  }
}
