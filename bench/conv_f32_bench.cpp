#include <benchmark/benchmark.h>

#include <string>

#include "bench/aligned.h"
#include "kernels/conv_f32/conv_f32.h"

using namespace octet;
using namespace octet::kernels;

namespace {

void rate(benchmark::State& state, double multiply_adds) {
  state.counters["GMAC/s"] =
      benchmark::Counter(multiply_adds * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

// A square image of `size`, `kernel` by `kernel` taps, padded to the same size over the stride.
struct Convolution {
  size_t size, in, out, kernel, stride;
};

constexpr Convolution kConvolutions[] = {
    {224, 3, 64, 7, 2},   {56, 64, 64, 3, 1},  {56, 64, 256, 1, 1}, {28, 128, 128, 3, 1},
    {14, 256, 256, 3, 1}, {7, 512, 512, 3, 1}, {32, 16, 16, 3, 1},  {14, 1024, 256, 1, 1}};

void convolve(benchmark::State& state, const GemmF32Variant& variant, Convolution c) {
  const size_t out_size = (c.size + c.stride - 1) / c.stride;
  const size_t pad = c.kernel / 2;
  const ConvF32Shape shape{.in_height = c.size,
                           .in_width = c.size,
                           .in_channels = c.in,
                           .out_height = out_size,
                           .out_width = out_size,
                           .out_channels = c.out,
                           .kernel_height = c.kernel,
                           .kernel_width = c.kernel,
                           .stride_y = c.stride,
                           .stride_x = c.stride,
                           .pad_top = pad,
                           .pad_left = pad};
  const auto in = bench::floats(c.size * c.size * c.in);
  const auto weights = bench::floats(c.in * c.out * c.kernel * c.kernel);
  const auto packed = bench::floats(conv_f32_packed_size(*variant.table, shape));
  const auto out = bench::floats(out_size * out_size * c.out);
  SerialParallel serial;
  const auto taps = static_cast<ptrdiff_t>(c.kernel * c.kernel);
  conv_f32_pack(*variant.table, shape,
                {weights.get(), static_cast<ptrdiff_t>(c.in) * taps, taps,
                 static_cast<ptrdiff_t>(c.kernel), 1},
                packed.get(), serial);
  ConvF32Args args;
  args.shape = shape;
  args.in = in.get();
  args.in_pixel = static_cast<ptrdiff_t>(c.in);
  args.packed = packed.get();
  args.out = out.get();
  args.out_pixel = static_cast<ptrdiff_t>(c.out);
  args.epilogue.activation = {ActivationKind::relu};
  for (auto _ : state) {
    conv_f32(*variant.table, args, serial);
    benchmark::ClobberMemory();
  }
  rate(state, static_cast<double>(out_size * out_size * c.out * c.in * c.kernel * c.kernel));
}

const int kRegistered = [] {
  const auto dims = [](std::initializer_list<size_t> values) {
    std::string text;
    for (const size_t value : values) text += (text.empty() ? "" : "x") + std::to_string(value);
    return text;
  };
  for (const GemmF32Variant& variant : gemm_f32_variants()) {
    if (variant.isa == Isa::scalar || !CpuToken::probe(variant.isa)) continue;
    for (const Convolution& c : kConvolutions) {
      const std::string name = "conv_f32/" + std::string(isa_name(variant.isa)) + "/" +
                               dims({c.size, c.in, c.out, c.kernel, c.stride});
      benchmark::RegisterBenchmark(name.c_str(), convolve, variant, c)->MinTime(0.1);
    }
  }
  return 0;
}();

}  // namespace
