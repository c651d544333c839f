#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "kernels/conv_s8/conv_s8.h"
#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::kernels {
namespace {

struct Named {
  const char* name;
  ConvShape shape;
};

constexpr ConvShape square(size_t size, size_t in, size_t out, size_t kernel, size_t stride) {
  const size_t result = (size + stride - 1) / stride;
  return {.in_h = size,
          .in_w = size,
          .in_channels = in,
          .out_h = result,
          .out_w = result,
          .out_channels = out,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = kernel / 2,
          .pad_left = kernel / 2};
}

const Named kConvs[] = {
    {"mobilenet/first", square(224, 3, 32, 3, 2)},
    {"mobilenet/112x16-96", square(112, 16, 96, 1, 1)},
    {"mobilenet/56x144-24", square(56, 144, 24, 1, 1)},
    {"mobilenet/14x384-64", square(14, 384, 64, 1, 1)},
    {"mobilenet/7x320-1280", square(7, 320, 1280, 1, 1)},
    {"resnet18/first", square(224, 3, 64, 7, 2)},
    {"resnet18/56x64", square(56, 64, 64, 3, 1)},
    {"resnet18/28x128", square(28, 128, 128, 3, 1)},
    {"resnet18/14x256", square(14, 256, 256, 3, 1)},
    {"resnet18/7x512", square(7, 512, 512, 3, 1)},
};

// What winograd_s8 takes, down to images where few tiles share the weights.
const Named kWinograds[] = {
    {"56x64", square(56, 64, 64, 3, 1)},    {"28x128", square(28, 128, 128, 3, 1)},
    {"14x256", square(14, 256, 256, 3, 1)}, {"7x512", square(7, 512, 512, 3, 1)},
    {"56x32", square(56, 32, 32, 3, 1)},    {"8x64", square(8, 64, 64, 3, 1)},
    {"4x64", square(4, 64, 64, 3, 1)},      {"7x128", square(7, 128, 128, 3, 1)},
};

struct Aligned {
  explicit Aligned(size_t size)
      : data(static_cast<uint8_t*>(::operator new (size, std::align_val_t{64}))) {}
  ~Aligned() { ::operator delete (data, std::align_val_t{64}); }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  uint8_t* data;
};

std::vector<uint8_t> random_codes(size_t count) {
  std::mt19937 engine(7);
  std::vector<uint8_t> codes(count);
  for (uint8_t& code : codes) code = static_cast<uint8_t>(engine());
  return codes;
}

template <typename Table>
void measure(benchmark::State& state, const Table& table, const ConvShape& s) {
  const size_t depth = s.in_channels / s.groups * s.kernel_h * s.kernel_w;
  const size_t pixels = s.batch * s.out_h * s.out_w;
  const auto in = random_codes(s.batch * s.in_h * s.in_w * s.in_channels);
  const auto weights = random_codes(s.out_channels * depth);
  std::vector<uint8_t> out(pixels * s.out_channels);
  const std::vector<float> bias(s.out_channels, 0.5F);
  const std::vector<float> multiplier(s.out_channels, 1e-3F);
  Aligned packed(table.packed_bytes(s));
  Aligned scratch(table.scratch_bytes(s, 1));
  table.pack(s, {weights.data()}, packed.data);
  SerialParallel serial;
  const ConvIo io{.in = in.data(), .in_zero_point = 128, .out = out.data()};
  ConvEpilogue epilogue;
  epilogue.bias_f32 = bias.data();
  epilogue.bias_f32 = bias.data();
  epilogue.multiplier = multiplier.data();
  epilogue.zero_point = 128;
  for (auto _ : state) {
    table.run(s, packed.data, io, epilogue, scratch.data, serial);
    benchmark::ClobberMemory();
  }
  state.counters["MAC"] = benchmark::Counter(static_cast<double>(pixels * s.out_channels * depth),
                                             benchmark::Counter::kIsIterationInvariantRate);
}

template <typename Rows, size_t kCount>
void add(const char* family, const Rows& rows, const Named (&cases)[kCount]) {
  for (const auto& row : rows) {
    if (row.isa == Isa::scalar || !CpuToken::probe(row.isa)) continue;
    for (const Named& c : cases)
      benchmark::RegisterBenchmark(
          (std::string(family) + "/" + c.name + "/" + std::string(isa_name(row.isa))).c_str(),
          [table = row.table, shape = c.shape](benchmark::State& state) {
            measure(state, *table, shape);
          })
          ->Unit(benchmark::kMicrosecond);
  }
}

const bool kAdded = [] {
  add("conv_s8", conv_s8_variants(), kConvs);
  add("conv_s8/three", conv_s8_variants(), kWinograds);
  add("winograd_s8/three", winograd_s8_variants(), kWinograds);
  return true;
}();

}  // namespace
}  // namespace octet::kernels
