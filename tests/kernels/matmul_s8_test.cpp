#include "kernels/gemm_s8/matmul_s8.h"

#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "tests/kernels/gemm_s8_problem.h"

namespace octet::testing {
namespace {

void check_batches(const Case& c) {
  CAPTURE(c.name);
  SerialParallel serial;
  BackwardsParallel backwards;
  const Problem problem(c);
  const std::vector<uint8_t> one = run(*gemm_s8_variants().front().table, problem, serial);
  for (const Variant<GemmS8Table>& variant : gemm_s8_variants()) {
    if (!CpuToken::probe(variant.isa)) continue;
    CAPTURE(isa_name(variant.isa));
    for (const size_t batch : {size_t{2}, size_t{5}}) {
      MatMulS8Args args;
      args.gemm = problem.args();
      const std::vector<size_t> zero(batch, 0);
      std::vector<size_t> c_offset;
      for (size_t i = 0; i < batch; ++i) c_offset.push_back(i * c.m * args.gemm.c_stride);
      std::vector<uint8_t> out(batch * one.size(), 0xaa);
      const Block scratch(matmul_s8_scratch_bytes(*variant.table, batch, c.m, c.n, c.k));
      args.b = problem.weights();
      args.a = problem.a.data();
      args.c = out.data();
      args.batch = batch;
      args.a_offset = zero.data();
      args.b_offset = zero.data();
      args.c_offset = c_offset.data();
      args.scratch = scratch.data.get();
      matmul_s8(*variant.table, args, backwards);
      for (size_t i = 0; i < batch; ++i)
        CHECK(std::memcmp(out.data() + i * one.size(), one.data(), one.size()) == 0);
    }
  }
}

const Case kBatchCases[] = {
    {.name = "rows",
     .m = 21,
     .n = 35,
     .k = 64,
     .a_signed = true,
     .type = GemmS8Output::f32,
     .b_zero = true,
     .per_tensor = true},
    {.name = "columns",
     .m = 21,
     .n = 35,
     .k = 64,
     .transposed = true,
     .type = GemmS8Output::u8,
     .b_zero = true,
     .per_tensor = true},
    {.name = "step, rows",
     .m = 1,
     .n = 131,
     .k = 37,
     .type = GemmS8Output::f32,
     .b_zero = true,
     .row_scale = true,
     .per_tensor = true},
    {.name = "step, unsigned rows",
     .m = 2,
     .n = 40,
     .k = 64,
     .a_signed = true,
     .b_unsigned = true,
     .lookup = true,
     .per_tensor = true},
    {.name = "step, columns",
     .m = 1,
     .n = 77,
     .k = 70,
     .a_signed = true,
     .transposed = true,
     .type = GemmS8Output::f32,
     .row_zero = true,
     .b_zero = true,
     .per_tensor = true},
    {.name = "step, unsigned columns",
     .m = 2,
     .n = 9,
     .k = 7,
     .b_unsigned = true,
     .transposed = true,
     .b_zero = true,
     .per_tensor = true},
    {.name = "step, zero a column", .m = 1, .n = 20, .k = 16, .b_zero = true},
    {.name = "step, nothing to sum", .m = 1, .n = 20, .k = 0},
    {.name = "step, worst magnitudes",
     .m = 1,
     .n = 20,
     .k = kGemmS8MaxK,
     .b_unsigned = true,
     .type = GemmS8Output::s32,
     .fill = Fill::extreme,
     .bias = false},
    {.name = "step, worst magnitudes of columns",
     .m = 1,
     .n = 20,
     .k = kGemmS8MaxK,
     .b_unsigned = true,
     .transposed = true,
     .type = GemmS8Output::s32,
     .fill = Fill::extreme,
     .bias = false},
};

TEST_CASE("matmul_s8: batches with broadcasting, any layout of B, few and many rows") {
  for (const Case& c : kBatchCases) check_batches(c);
}

}  // namespace
}  // namespace octet::testing
