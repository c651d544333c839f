#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/aligned.h"
#include "kernels/depthwise_f32/depthwise_f32.h"
#include "kernels/depthwise_s8/depthwise_s8.h"

using namespace octet;
using namespace octet::kernels;

namespace {

constexpr ConvShape square(size_t size, size_t channels, size_t kernel, size_t stride) {
  const size_t out = (size + stride - 1) / stride;
  return {.in_h = size,
          .in_w = size,
          .in_channels = channels,
          .out_h = out,
          .out_w = out,
          .out_channels = channels,
          .groups = channels,
          .kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_top = kernel / 2,
          .pad_left = kernel / 2};
}

constexpr ConvShape line(size_t length, size_t channels, size_t kernel) {
  return {.in_w = length,
          .in_channels = channels,
          .out_w = length,
          .out_channels = channels,
          .groups = channels,
          .kernel_w = kernel,
          .pad_left = kernel / 2};
}

// The depthwise layers of mobilenet_v2 and mobilenet_v3, and of conformers.
constexpr ConvShape kShapes[] = {
    square(112, 32, 3, 1), square(112, 96, 3, 2), square(56, 144, 3, 1), square(56, 144, 3, 2),
    square(28, 192, 3, 1), square(28, 192, 3, 2), square(14, 384, 3, 1), square(14, 576, 3, 2),
    square(7, 960, 3, 1),  square(112, 16, 3, 1), square(112, 64, 3, 2), square(56, 72, 3, 1),
    square(56, 72, 5, 2),  square(28, 120, 5, 1), square(28, 240, 3, 2), square(14, 200, 3, 1),
    square(14, 184, 3, 1), square(14, 480, 3, 1), square(14, 672, 5, 2), square(7, 960, 5, 1),
    square(14, 240, 5, 1), square(7, 576, 5, 1),  line(200, 144, 31),    line(200, 256, 31),
    line(200, 512, 31),    line(1000, 512, 15)};

std::string name_of(const char* family, Isa isa, const ConvShape& s) {
  std::string name = std::string(family) + "/" + std::string(isa_name(isa)) + "/";
  name += s.in_h > 1 ? std::to_string(s.in_h) + "x" : "";
  name += std::to_string(s.in_w) + "x" + std::to_string(s.in_channels) + "/k";
  return name + std::to_string(s.kernel_w) + "/s" + std::to_string(s.stride_w);
}

void rate(benchmark::State& state, const ConvShape& s) {
  state.counters["GMAC/s"] = benchmark::Counter(
      static_cast<double>(s.out_h * s.out_w * s.out_channels * s.kernel_h * s.kernel_w) * 1e-9,
      benchmark::Counter::kIsIterationInvariantRate);
}

void integers(benchmark::State& state, const DepthwiseS8Table& table, const ConvShape& s) {
  const std::vector<uint8_t> in(s.in_h * s.in_w * s.in_channels, 3);
  const std::vector<uint8_t> weights(s.out_channels * s.kernel_h * s.kernel_w, 5);
  std::vector<uint8_t> out(s.out_h * s.out_w * s.out_channels);
  const std::vector<int32_t> bias(s.out_channels, 100);
  const std::vector<float> multiplier(s.out_channels, 1e-3F);
  const auto packed = bench::floats(table.packed_bytes(s) / sizeof(float) + 1);
  const auto scratch = bench::floats(table.scratch_bytes(s, 1) / sizeof(float) + 1);
  table.pack(s, {weights.data()}, packed.get());
  const ConvIo io{.in = in.data(), .in_zero_point = 128, .out = out.data()};
  ConvEpilogue epilogue;
  epilogue.bias = bias.data();
  epilogue.multiplier = multiplier.data();
  epilogue.zero_point = 128;
  SerialParallel serial;
  for (auto _ : state) {
    table.run(s, packed.get(), io, epilogue, scratch.get(), serial);
    benchmark::ClobberMemory();
  }
  rate(state, s);
}

void reals(benchmark::State& state, const DepthwiseF32Table& table, const ConvShape& s) {
  const auto in = bench::floats(s.in_h * s.in_w * s.in_channels);
  const auto weights = bench::floats(s.in_channels * s.kernel_h * s.kernel_w);
  const auto out = bench::floats(s.out_h * s.out_w * s.out_channels);
  DepthwiseF32Args args;
  args.channels = s.in_channels;
  args.in_height = s.in_h;
  args.in_width = s.in_w;
  args.out_height = s.out_h;
  args.out_width = s.out_w;
  args.kernel_height = s.kernel_h;
  args.kernel_width = s.kernel_w;
  args.stride_y = s.stride_h;
  args.stride_x = s.stride_w;
  args.pad_top = s.pad_top;
  args.pad_left = s.pad_left;
  args.activation = {ActivationKind::clip, 0.0F, 6.0F};
  args.in = in.get();
  args.weights = weights.get();
  args.out = out.get();
  SerialParallel serial;
  for (auto _ : state) {
    depthwise_f32(table, args, serial);
    benchmark::ClobberMemory();
  }
  rate(state, s);
}

template <typename Rows, typename Function>
void add(const char* family, const Rows& rows, Function function) {
  for (const auto& row : rows) {
    if (row.isa == Isa::scalar || !CpuToken::probe(row.isa)) continue;
    for (const ConvShape& shape : kShapes)
      benchmark::RegisterBenchmark(name_of(family, row.isa, shape).c_str(),
                                   [table = row.table, shape, function](benchmark::State& state) {
                                     function(state, *table, shape);
                                   })
          ->MinTime(0.02);
  }
}

const bool kRegistered = [] {
  add("depthwise_s8", depthwise_s8_variants(), integers);
  add("depthwise_f32", depthwise_f32_variants(), reals);
  return true;
}();

}  // namespace
