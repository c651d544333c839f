#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kernels/gemm_s8/matmul_s8.h"
#include "kernels/parallel.h"

using namespace octet;
using namespace octet::kernels;

namespace {

// Attention's products of 4 heads: Q K^T gives floats for the softmax, P V gives codes.
struct Shape {
  const char* name;
  size_t m, n, k;
  bool transposed;
  GemmS8Output type;
};

constexpr Shape kShapes[] = {
    {"qk", 200, 200, 64, true, GemmS8Output::f32},
    {"pv", 200, 64, 200, false, GemmS8Output::u8},
    {"qk_step", 1, 200, 64, true, GemmS8Output::f32},
    {"pv_step", 1, 64, 200, false, GemmS8Output::u8},
};

void products(benchmark::State& state, const GemmS8Table& table, const Shape& shape) {
  constexpr size_t kHeads = 4;
  const std::vector<uint8_t> a(kHeads * shape.m * shape.k, 3), b(kHeads * shape.n * shape.k, 5);
  const float multiplier = 1e-3F;
  std::vector<float> c(kHeads * shape.m * shape.n);
  std::vector<size_t> a_offset, b_offset, c_offset;
  for (size_t i = 0; i < kHeads; ++i) {
    a_offset.push_back(i * shape.m * shape.k);
    b_offset.push_back(i * shape.n * shape.k);
    c_offset.push_back(i * shape.m * shape.n);
  }
  const size_t bytes = matmul_s8_scratch_bytes(table, kHeads, shape.m, shape.n, shape.k);
  const std::unique_ptr<void, void (*)(void*)> scratch(
      std::aligned_alloc(64, (bytes + 63) / 64 * 64), std::free);
  MatMulS8Args args;
  args.gemm.m = shape.m;
  args.gemm.n = args.b.n = shape.n;
  args.gemm.k = args.b.k = shape.k;
  args.gemm.a_stride = shape.k;
  args.gemm.c_stride = shape.n;
  args.gemm.epilogue.type = shape.type;
  args.gemm.epilogue.multiplier = &multiplier;
  args.gemm.epilogue.multiplier_stride = 0;
  args.b.data = b.data();
  args.b.row_stride = shape.transposed ? 1 : shape.n;
  args.b.column_stride = shape.transposed ? shape.k : 1;
  args.a = a.data();
  args.c = c.data();
  args.batch = kHeads;
  args.a_offset = a_offset.data();
  args.b_offset = b_offset.data();
  args.c_offset = c_offset.data();
  args.scratch = scratch.get();
  SerialParallel serial;
  for (auto _ : state) matmul_s8(table, args, serial);
  state.counters["GMAC/s"] =
      benchmark::Counter(static_cast<double>(kHeads * shape.m * shape.n * shape.k) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  for (const Variant<GemmS8Table>& variant : gemm_s8_variants())
    for (const Shape& shape : kShapes) {
      if (variant.isa == Isa::scalar || !CpuToken::probe(variant.isa)) continue;
      const std::string name =
          std::string("matmul_s8/") + std::string(isa_name(variant.isa)) + "/" + shape.name;
      benchmark::RegisterBenchmark(name.c_str(), products, *variant.table, shape);
    }
  return true;
}();

}  // namespace
