#include "kernels/cpu/isa.h"

#include <doctest/doctest.h>

using namespace octet;

TEST_CASE("isa names go both ways and unknown names give nothing") {
  for (size_t i = 0; i < kIsaCount; ++i) {
    const auto isa = static_cast<Isa>(i);
    REQUIRE(isa_from_name(isa_name(isa)).has_value());
    CHECK(*isa_from_name(isa_name(isa)) == isa);
  }
  CHECK_FALSE(isa_from_name("mmx").has_value());
}

TEST_CASE("a token allows its own instruction set and scalar, and never a stronger one") {
  CHECK(CpuToken::best().allows(CpuToken::best().isa()));
  CHECK(CpuToken::best().allows(Isa::scalar));
  CHECK_FALSE(CpuToken::scalar().allows(Isa::avx2));
  if (const auto avx2 = CpuToken::probe(Isa::avx2)) CHECK_FALSE(avx2->allows(Isa::avx512vnni));
}
