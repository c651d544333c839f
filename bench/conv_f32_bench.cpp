#include <benchmark/benchmark.h>

#include <string>

#include "bench/aligned.h"
#include "kernels/conv_f32/conv_f32.h"
#include "kernels/winograd_f32/winograd_f32.h"

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

ConvF32Shape shape_of(const Convolution& c) {
  const size_t out_size = (c.size + c.stride - 1) / c.stride;
  const size_t pad = c.kernel / 2;
  return {.in_height = c.size,
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
}

// By Winograd's transforms, or directly.
void convolve(benchmark::State& state, const GemmF32Variant& variant, Convolution c,
              const WinogradF32Table* winograd) {
  const ConvF32Shape shape = shape_of(c);
  const auto in = bench::floats(c.size * c.size * c.in);
  const auto weights = bench::floats(c.in * c.out * c.kernel * c.kernel);
  const auto packed =
      bench::floats(winograd != nullptr ? winograd_f32_packed_size(*variant.table, shape)
                                        : conv_f32_packed_size(*variant.table, shape));
  const auto scratch = bench::floats(winograd != nullptr ? winograd_f32_scratch_size(shape, 1) : 0);
  const auto out = bench::floats(shape.out_height * shape.out_width * c.out);
  SerialParallel serial;
  const auto taps = static_cast<ptrdiff_t>(c.kernel * c.kernel);
  const ConvF32Weights view = {weights.get(), static_cast<ptrdiff_t>(c.in) * taps, taps,
                               static_cast<ptrdiff_t>(c.kernel), 1};
  (winograd != nullptr ? winograd_f32_pack : conv_f32_pack)(*variant.table, shape, view,
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
    if (winograd != nullptr)
      winograd_f32(*variant.table, *winograd, args, scratch.get(), serial);
    else
      conv_f32(*variant.table, args, serial);
    benchmark::ClobberMemory();
  }
  rate(state, static_cast<double>(shape.out_height * shape.out_width * c.out * c.in * c.kernel *
                                  c.kernel));
}

const int kRegistered = [] {
  const auto dims = [](std::initializer_list<size_t> values) {
    std::string text;
    for (const size_t value : values) text += (text.empty() ? "" : "x") + std::to_string(value);
    return text;
  };
  for (const GemmF32Variant& variant : gemm_f32_variants()) {
    const auto token = CpuToken::probe(variant.isa);
    if (variant.isa == Isa::scalar || !token) continue;
    for (const Convolution& c : kConvolutions) {
      const std::string name = "conv_f32/" + std::string(isa_name(variant.isa)) + "/" +
                               dims({c.size, c.in, c.out, c.kernel, c.stride});
      benchmark::RegisterBenchmark(name.c_str(), convolve, variant, c, nullptr)->MinTime(0.1);
      if (!winograd_f32_fits(shape_of(c))) continue;
      benchmark::RegisterBenchmark((name + "/winograd").c_str(), convolve, variant, c,
                                   select_winograd_f32(*token).table)
          ->MinTime(0.1);
    }
  }
  return 0;
}();

}  // namespace
