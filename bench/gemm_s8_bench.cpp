#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/parallel.h"

using namespace octet;
using namespace octet::kernels;

namespace {

struct Shape {
  const char* name;
  size_t m, n, k;
};

constexpr Shape kShapes[] = {
    {"square", 512, 512, 512},    {"conformer_ff", 200, 1024, 256},
    {"attention", 200, 200, 64},  {"rows_16", 16, 512, 512},
    {"gemv", 1, 1024, 512},       {"gemv_large", 1, 4096, 1024},
    {"gemv_small", 1, 1024, 256}, {"vae", 1, 400, 784},
    {"vae_64", 64, 400, 784},     {"bert_ff", 64, 3072, 768},
    {"narrow", 201, 144, 576},    {"shallow", 200, 576, 144},
};

struct End {
  const char* name;
  GemmS8Output type;
  bool lookup;
  ActivationKind activation;
  bool curve = false;
};

constexpr End kEnds[] = {{"u8", GemmS8Output::u8, false, ActivationKind::none},
                         {"f32", GemmS8Output::f32, false, ActivationKind::none},
                         {"lookup", GemmS8Output::u8, true, ActivationKind::none},
                         {"silu", GemmS8Output::u8, false, ActivationKind::silu},
                         {"curve", GemmS8Output::u8, false, ActivationKind::none, true}};

void gemm(benchmark::State& state, const GemmS8Table& eight_bits, const Shape& shape,
          const End& end, bool four_bits) {
  const GemmS8Table& table = four_bits ? *eight_bits.four_bits : eight_bits;
  const auto aligned = [](size_t bytes) {
    return std::unique_ptr<void, void (*)(void*)>(
        std::aligned_alloc(64, (bytes + 63) / 64 * 64 + 64), std::free);
  };
  const std::vector<uint8_t> a(shape.m * shape.k, 3), b(shape.n * shape.k, 5);
  const std::vector<float> multiplier(shape.n, 1e-3F);
  std::vector<float> c(shape.m * shape.n);
  const auto packed = aligned(gemm_s8_packed_bytes(table, shape.k, shape.n));
  const auto scratch = aligned(gemm_s8_scratch_bytes(table, shape.m, shape.k));
  GemmS8Weights weights;
  weights.data = b.data();
  weights.k = shape.k;
  weights.n = shape.n;
  weights.row_stride = shape.n;
  gemm_s8_pack(table, weights, packed.get());
  GemmS8Args args;
  args.m = shape.m;
  args.n = shape.n;
  args.k = shape.k;
  args.a = a.data();
  args.a_stride = shape.k;
  args.packed = packed.get();
  args.c = c.data();
  args.c_stride = shape.n;
  args.epilogue.type = end.type;
  args.epilogue.multiplier = multiplier.data();
  const uint8_t entries[256] = {};
  if (end.lookup) args.epilogue.lookup = entries;
  const CodeCurve curve = {};
  if (end.curve) args.epilogue.curve = &curve;
  args.epilogue.activation.kind = end.activation;
  if (end.activation != ActivationKind::none) args.epilogue.code_scale = 1e-2F;
  args.scratch = scratch.get();
  SerialParallel serial;
  for (auto _ : state) gemm_s8(table, args, serial);
  state.counters["GMAC/s"] =
      benchmark::Counter(static_cast<double>(shape.m * shape.n * shape.k) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  for (const Variant<GemmS8Table>& variant : gemm_s8_variants())
    for (const Shape& shape : kShapes) {
      if (variant.isa == Isa::scalar || !CpuToken::probe(variant.isa)) continue;
      const std::string name = std::string("gemm_s8/") + std::string(isa_name(variant.isa)) + "/";
      for (const End& end : kEnds)
        benchmark::RegisterBenchmark((name + shape.name + "/" + end.name).c_str(), gemm,
                                     *variant.table, shape, end, false);
      if (variant.table->four_bits != nullptr)
        benchmark::RegisterBenchmark((name + shape.name + "/u8_s4").c_str(), gemm, *variant.table,
                                     shape, kEnds[0], true);
    }
  return true;
}();

}  // namespace
