#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/aligned.h"
#include "kernels/gemm_f32/gemm_f32.h"

using namespace octet;
using namespace octet::kernels;

namespace {

struct Shape {
  size_t m, n, k;
};

constexpr Shape kShapes[] = {
    {1, 512, 512},   {1, 1024, 1024},  {1, 4096, 1024},   {2, 1024, 1024},   {4, 1024, 1024},
    {8, 1024, 1024}, {16, 512, 512},   {32, 512, 512},    {64, 512, 512},    {128, 512, 512},
    {200, 512, 512}, {128, 2048, 512}, {256, 1024, 1024}, {512, 4096, 1024}, {64, 64, 64},
    {16, 16, 16},    {100, 10, 64},    {128, 128, 32}};

enum class Source { packed, half, codes, runtime, transposed };

constexpr size_t kGroup = 32;

void multiply(benchmark::State& state, const GemmF32Variant& variant, Shape shape, Source source) {
  const GemmF32Table& table = *variant.table;
  const auto a = bench::floats(shape.m * shape.k);
  const auto b = bench::floats(shape.k * shape.n);
  const auto out = bench::floats(shape.m * shape.n);
  const auto packed = bench::floats(gemm_f32_packed_size(table, shape.k, shape.n));
  SerialParallel serial;
  GemmF32Args args;
  args.m = shape.m;
  args.n = shape.n;
  args.k = shape.k;
  args.a = {a.get(), static_cast<ptrdiff_t>(shape.k), 1};
  args.b = {b.get(), static_cast<ptrdiff_t>(shape.n), 1};
  if (source == Source::transposed) args.b = {b.get(), 1, static_cast<ptrdiff_t>(shape.k)};
  args.out = out.get();
  args.out_row = static_cast<ptrdiff_t>(shape.n);
  if (source == Source::packed) {
    gemm_f32_pack(table, args.b, shape.k, shape.n, packed.get(), serial);
    args.packed_b = packed.get();
  }
  if (source == Source::half || source == Source::codes) {
    args.format = source == Source::half ? WeightFormat{WeightForm::f16, 0}
                                         : WeightFormat{WeightForm::s4, kGroup};
    const std::vector<uint16_t> stored(shape.k * shape.n, 0x0101);
    const std::vector<float> scales(shape.k * shape.n / kGroup + shape.n, 0.01F);
    StoredWeights from;
    from.data = stored.data();
    from.row = from.scale_row = static_cast<ptrdiff_t>(shape.n);
    from.scales = scales.data();
    gemm_f32_pack_stored(table, args.format, from, shape.k, shape.n,
                         reinterpret_cast<std::byte*>(packed.get()));
    args.packed_b = packed.get();
  }
  args.scratch = packed.get();
  for (auto _ : state) {
    gemm_f32(table, args, serial);
    benchmark::ClobberMemory();
  }
  const double work = static_cast<double>(shape.m * shape.n * shape.k);
  state.counters["GMAC/s"] =
      benchmark::Counter(work * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

// The products of an attention head, 200 frames of 64 channels, and a decoder's step over them.
constexpr Shape kScores[] = {{200, 200, 64}, {1, 200, 64}, {1, 1000, 64}, {5, 200, 64}};
constexpr Shape kContext[] = {{200, 64, 200}, {1, 64, 200}, {1, 64, 1000}, {5, 64, 200}};

void add(const GemmF32Variant& variant, const char* source_name, Source source, Shape shape) {
  const std::string name = "gemm_f32/" + std::string(isa_name(variant.isa)) + "/" + source_name +
                           "/" + std::to_string(shape.m) + "x" + std::to_string(shape.n) + "x" +
                           std::to_string(shape.k);
  benchmark::RegisterBenchmark(name.c_str(), multiply, variant, shape, source)->MinTime(0.1);
}

const int kRegistered = [] {
  for (const GemmF32Variant& variant : gemm_f32_variants()) {
    if (variant.isa == Isa::scalar || !CpuToken::probe(variant.isa)) continue;
    for (const Shape shape : kShapes) {
      add(variant, "packed", Source::packed, shape);
      add(variant, "half", Source::half, shape);
      add(variant, "codes", Source::codes, shape);
      add(variant, "runtime", Source::runtime, shape);
    }
    for (const Shape shape : kScores) add(variant, "scores", Source::transposed, shape);
    for (const Shape shape : kContext) add(variant, "context", Source::runtime, shape);
  }
  return 0;
}();

}  // namespace
