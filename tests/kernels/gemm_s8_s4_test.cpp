#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/kernels/gemm_s8_problem.h"

namespace octet::testing {
namespace {

TEST_CASE("gemm_s8: codes of 4 bits give the bytes of 8-bit ones in half the memory") {
  const GemmS8Table& oracle = *gemm_s8_variants().front().table;
  SerialParallel serial;
  BackwardsParallel backwards;
  for (const Case& c : kCases) {
    if (c.k == 0) continue;
    CAPTURE(c.name);
    const Problem problem(c, Width::nibbles);
    const std::vector<uint8_t> expected = run(oracle, problem, serial);
    for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
      if (!CpuToken::probe(variant.isa) || variant.table->four_bits == nullptr) continue;
      CAPTURE(isa_name(variant.isa));
      const GemmS8Table& table = *variant.table->four_bits;
      CHECK((run(table, problem, serial) == expected));
      CHECK((run(table, problem, backwards) == expected));
      if (c.k >= 512 && c.n % 16 == 0)
        CHECK(table.packed_bytes(c.k, c.n) < variant.table->packed_bytes(c.k, c.n) * 11 / 20);
    }
  }
}

TEST_CASE("gemm_s8: every pair of extreme codes, rows of every tile") {
  SerialParallel serial;
  for (const uint8_t a : {uint8_t{0}, uint8_t{255}})
    for (const int8_t b : {int8_t{-8}, int8_t{7}})
      for (size_t m = 1; m <= 14; ++m) {
        constexpr size_t kDepth = 531, kColumns = 41;
        const std::vector<uint8_t> left(m * kDepth, a);
        const std::vector<int8_t> right(kDepth * kColumns, b);
        GemmS8Weights weights;
        weights.data = right.data();
        weights.k = kDepth;
        weights.n = kColumns;
        weights.row_stride = kColumns;
        for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
          if (!CpuToken::probe(variant.isa) || variant.table->four_bits == nullptr) continue;
          CAPTURE(isa_name(variant.isa));
          const GemmS8Table& table = *variant.table->four_bits;
          const Block packed(gemm_s8_packed_bytes(table, kDepth, kColumns));
          const Block scratch(gemm_s8_scratch_bytes(table, m, kDepth));
          gemm_s8_pack(table, weights, packed.data.get());
          std::vector<int32_t> sums(m * kColumns);
          GemmS8Args args;
          args.m = m;
          args.n = kColumns;
          args.k = kDepth;
          args.a = left.data();
          args.a_stride = kDepth;
          args.packed = packed.data.get();
          args.c = sums.data();
          args.c_stride = kColumns;
          args.scratch = scratch.data.get();
          gemm_s8(table, args, serial);
          const int32_t expected = a * b * static_cast<int32_t>(kDepth);
          CHECK((sums == std::vector<int32_t>(m * kColumns, expected)));
        }
      }
}

TEST_CASE("gemm_s8: a variant packs 4 bits from its least number of codes on") {
  for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
    if (variant.table->four_bits == nullptr) continue;
    const std::vector<uint8_t> codes(std::max<size_t>(variant.table->four_bits_from, 2), 1);
    GemmS8Weights weights;
    weights.data = codes.data();
    weights.k = codes.size();
    weights.n = 1;
    CHECK(&gemm_s8_packing(*variant.table, weights) == variant.table->four_bits);
    weights.k = variant.table->four_bits_from - 1;
    if (variant.table->four_bits_from > 0)
      CHECK(&gemm_s8_packing(*variant.table, weights) == variant.table);
  }
}

TEST_CASE("gemm_s8: one code past 4 bits is packed as bytes") {
  for (const bool is_unsigned : {false, true}) {
    std::vector<uint8_t> codes(20, 7);
    GemmS8Weights weights;
    weights.data = codes.data();
    weights.is_unsigned = is_unsigned;
    weights.k = 5;
    weights.n = 4;
    weights.row_stride = 4;
    const GemmS8Table& table = *gemm_s8_variants().front().table;
    CHECK(&gemm_s8_packing(table, weights) == table.four_bits);
    for (const int outside : {is_unsigned ? 16 : 8, is_unsigned ? 255 : -9}) {
      codes[19] = static_cast<uint8_t>(outside);
      CHECK(&gemm_s8_packing(table, weights) == &table);
    }
    codes[19] = static_cast<uint8_t>(is_unsigned ? 15 : -8);
    CHECK(&gemm_s8_packing(table, weights) == table.four_bits);
    weights.k = 0;
    CHECK(&gemm_s8_packing(table, weights) == &table);
  }
}

}  // namespace
}  // namespace octet::testing
