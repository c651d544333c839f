#include "kernels/elementwise_s8/elementwise_s8.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

using namespace octet;
using namespace octet::kernels;

namespace {

struct Case {
  const char* name;
  size_t rows, columns;
  size_t a_row, a_column, b_row, b_column;
  bool a_signed, b_signed, out_signed;
};

const Case kCases[] = {
    {"flat", 7, 29, 29, 1, 29, 1, false, true, false},
    {"shared row", 6, 35, 35, 1, 0, 1, true, true, true},
    {"many rows share one", 75, 35, 35, 1, 0, 1, false, false, true},
    {"many rows share the first input", 9, 48, 0, 1, 48, 1, false, true, false},
    {"rows of half vectors share one", 40, 24, 24, 1, 0, 1, false, true, true},
    {"a wide shared row", 5, 2100, 2100, 1, 0, 1, true, false, false},
    {"one code a row", 6, 16, 1, 0, 16, 1, false, false, true},
    {"one code", 5, 20, 20, 1, 0, 0, false, false, false},
    {"narrow rows", 40, 1, 1, 1, 0, 1, true, false, false},
    {"padded rows", 4, 33, 40, 1, 33, 1, true, false, true},
    {"nothing", 0, 5, 5, 1, 5, 1, false, false, false},
};

// Cuts in the middle of rows and vectors.
class OddParallel final : public Parallel {
 public:
  size_t width() const override { return 2; }
  void for_ranges(size_t count, size_t /*grain*/, FunctionRef<void(size_t, size_t)> body) override {
    for (size_t begin = 0; begin < count; begin += 23)
      body(begin, count - begin < 23 ? count : begin + 23);
  }
};

}  // namespace

TEST_CASE("elementwise_s8: every variant gives the oracle's codes") {
  const ElementwiseS8Table& oracle = *elementwise_s8_variants().front().table;
  std::mt19937 random(3);
  std::vector<uint8_t> a(11000), b(11000);
  for (uint8_t& v : a) v = static_cast<uint8_t>(random());
  for (uint8_t& v : b) v = static_cast<uint8_t>(random());
  SerialParallel serial;
  OddParallel odd;
  using Function = void (*)(const ElementwiseS8Args&, Parallel&);
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    for (Function ElementwiseS8Table::*function :
         {&ElementwiseS8Table::add, &ElementwiseS8Table::sub, &ElementwiseS8Table::mul})
      for (const float multiplier : {0.5F, 0.013F}) {
        const auto run = [&](const ElementwiseS8Table& table, Parallel& parallel) {
          std::vector<uint8_t> out(c.rows * c.columns + 1, 0xaa);
          ElementwiseS8Args args;
          args.rows = c.rows;
          args.columns = c.columns;
          args.a = {a.data(), c.a_signed, 3, multiplier, c.a_row, c.a_column};
          args.b = {b.data(), c.b_signed, -5, 0.75F, c.b_row, c.b_column};
          args.out = out.data();
          args.out_signed = c.out_signed;
          args.zero_point = c.out_signed ? -4 : 100;
          args.low = c.out_signed ? -120 : 10;
          args.high = c.out_signed ? 127 : 255;
          (table.*function)(args, parallel);
          return out;
        };
        const std::vector<uint8_t> expected = run(oracle, serial);
        for (const Variant<ElementwiseS8Table>& variant : elementwise_s8_variants()) {
          const auto token = CpuToken::probe(variant.isa);
          if (!token) continue;
          CAPTURE(isa_name(variant.isa));
          CHECK(select_elementwise_s8(*token).isa == variant.isa);
          CHECK((run(*variant.table, serial) == expected));
          CHECK((run(*variant.table, odd) == expected));
        }
      }
  }
}
