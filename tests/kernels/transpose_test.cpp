#include "kernels/transpose/transpose.h"

#include "tests/support/code_kernels.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  std::vector<size_t> dims, permutation;
};

const Case kCases[] = {
    {"scalar", {}, {}},
    {"one axis", {37}, {0}},
    {"matrix", {70, 130}, {1, 0}},
    {"narrow matrix", {3, 200}, {1, 0}},
    {"wide matrix", {200, 3}, {1, 0}},
    {"whole tiles", {32, 64}, {1, 0}},
    {"to channels last", {2, 19, 9, 11}, {0, 2, 3, 1}},
    {"to channels first", {2, 9, 11, 19}, {0, 3, 1, 2}},
    {"heads", {2, 17, 4, 24}, {0, 2, 1, 3}},
    {"keys", {2, 17, 4, 24}, {0, 2, 3, 1}},
    {"identity", {3, 4, 5}, {0, 1, 2}},
    {"axes of one", {1, 5, 1, 7, 1}, {4, 3, 2, 1, 0}},
    {"reversal", {3, 5, 2, 7, 4}, {4, 3, 2, 1, 0}},
    {"six axes", {2, 3, 4, 5, 3, 2}, {0, 4, 2, 5, 1, 3}},
    {"an empty axis", {3, 0, 5}, {2, 1, 0}},
};

}  // namespace

TEST_CASE("transpose: every instruction set moves the oracle's bytes") {
  SerialParallel serial;
  SplitParallel split;
  for (const Case& c : kCases)
    for (const size_t element : {size_t{1}, size_t{2}, size_t{4}, size_t{8}}) {
      CAPTURE(std::string(c.name));
      CAPTURE(element);
      size_t count = 1;
      for (const size_t dim : c.dims) count *= dim;
      GuardedBytes in(count * element), expected(count * element), out(count * element);
      in.randomize(5);
      TransposeArgs args{.in = in.data(),
                         .out = expected.data(),
                         .element_bytes = element,
                         .rank = c.dims.size(),
                         .in_dims = c.dims.data(),
                         .permutation = c.permutation.data()};
      transpose_variants()[0].table->run(args, serial);
      args.out = out.data();
      for_each_variant(transpose_variants(), select_transpose, [&](const TransposeTable& table) {
        for (Parallel* parallel :
             {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
          out.fill(0xA5);
          table.run(args, *parallel);
          CHECK(first_difference(out, expected) == -1);
        }
      });
    }
}

TEST_CASE("transpose: the oracle moves element (i, j) to (j, i)") {
  const uint8_t in[6] = {1, 2, 3, 4, 5, 6};
  uint8_t out[6] = {};
  const size_t dims[] = {2, 3}, permutation[] = {1, 0};
  SerialParallel serial;
  transpose_variants()[0].table->run({in, out, 1, 2, dims, permutation}, serial);
  const uint8_t expected[6] = {1, 4, 2, 5, 3, 6};
  CHECK(std::memcmp(out, expected, 6) == 0);
}
