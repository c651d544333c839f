#include "kernels/winograd_f32/winograd_f32.h"

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  size_t batch, height, width, in, out, pad;
  // 0 none, 1 bias and activation, 2 an addend and a residual besides.
  int epilogue = 0;
  Activation activation = {};
};

const Case kCases[] = {
    {"one tile", 1, 6, 6, 16, 16, 0},
    {"less than a tile", 1, 3, 5, 16, 32, 0},
    {"padded", 1, 7, 6, 48, 32, 1, 1, {ActivationKind::relu}},
    {"padded by two", 1, 9, 5, 16, 16, 2, 2, {ActivationKind::clip, -0.5F, 0.75F}},
    {"batch", 3, 5, 8, 32, 80, 1, 2, {ActivationKind::none}},
    {"silu", 1, 8, 8, 16, 16, 1, 1, {ActivationKind::silu}},
    {"passes", 2, 30, 29, 32, 64, 1, 2, {ActivationKind::relu}},
    {"many channels", 1, 10, 11, 320, 256, 1},
};

struct Run {
  explicit Run(const Case& c)
      : in(random_floats(c.batch * c.height * c.width * (c.in + 3), 1)),
        kernel(random_floats(c.in * c.out * 9, 2)),
        bias(random_floats(c.out, 3)) {
    const auto stride = [](size_t size) { return static_cast<ptrdiff_t>(size); };
    ConvF32Shape& s = args.shape;
    s.batch = c.batch;
    s.in_height = c.height;
    s.in_width = c.width;
    s.in_channels = c.in;
    s.out_height = c.height + 2 * c.pad - 2;
    s.out_width = c.width + 2 * c.pad - 2;
    s.out_channels = c.out;
    s.kernel_height = s.kernel_width = 3;
    s.pad_top = s.pad_left = c.pad;
    args.in = in.data();
    args.in_pixel = stride(c.in + 3);
    args.out_pixel = stride(c.out + 5);
    weights = {kernel.data(), stride(c.in * 9), 9, 3, 1};
    addend = random_floats(size(), 4);
    residual = random_floats(size(), 5);
    args.epilogue.activation = c.activation;
    if (c.epilogue > 0) args.epilogue.bias = bias.data();
    if (c.epilogue < 2) return;
    args.epilogue.addend = addend.data();
    args.epilogue.residual = residual.data();
    args.epilogue.addend_row = args.epilogue.residual_row = args.out_pixel;
  }
  size_t pixels() const { return args.shape.batch * args.shape.out_height * args.shape.out_width; }
  size_t size() const { return pixels() * static_cast<size_t>(args.out_pixel); }

  std::vector<float> in, kernel, bias, addend, residual;
  ConvF32Weights weights;
  ConvF32Args args;
};

// The convolution's definition.
double convolved(const Run& run, size_t pixel, size_t channel) {
  const ConvF32Shape& s = run.args.shape;
  const size_t image = pixel / (s.out_height * s.out_width);
  double sum = 0.0;
  for (size_t t = 0; t < 9; ++t) {
    const size_t y = pixel / s.out_width % s.out_height + t / 3 - s.pad_top;
    const size_t x = pixel % s.out_width + t % 3 - s.pad_left;
    if (y >= s.in_height || x >= s.in_width) continue;
    const float* at = run.in.data() + ((image * s.in_height + y) * s.in_width + x) *
                                          static_cast<size_t>(run.args.in_pixel);
    for (size_t i = 0; i < s.in_channels; ++i)
      sum += static_cast<double>(at[i]) * run.kernel[(channel * s.in_channels + i) * 9 + t];
  }
  return sum;
}

double finished(const Run& run, double sum, size_t pixel, size_t channel) {
  const GemmF32Epilogue& e = run.args.epilogue;
  const size_t at = pixel * static_cast<size_t>(run.args.out_pixel) + channel;
  if (e.bias != nullptr) sum += e.bias[channel];
  if (e.addend != nullptr) sum += e.addend[at];
  if (e.activation.kind == ActivationKind::relu) sum = std::max(sum, 0.0);
  if (e.activation.kind == ActivationKind::silu) sum = sum / (1.0 + std::exp(-sum));
  if (e.activation.kind == ActivationKind::clip)
    sum = std::clamp<double>(sum, e.activation.alpha, e.activation.beta);
  if (e.residual != nullptr) sum += e.residual[at];
  return sum;
}

void compute(const Run& run, CpuToken token, float* out, Parallel& parallel) {
  const GemmF32Table& gemm = *select_gemm_f32(token).table;
  Floats packed(winograd_f32_packed_size(gemm, run.args.shape), NAN);
  winograd_f32_pack(gemm, run.args.shape, run.weights, packed.data(), parallel);
  Floats scratch(winograd_f32_scratch_size(run.args.shape, parallel.width()), NAN);
  ConvF32Args args = run.args;
  args.packed = packed.data();
  args.out = out;
  winograd_f32(gemm, *select_winograd_f32(token).table, args, scratch.data(), parallel);
}

}  // namespace

TEST_CASE("winograd_f32: outputs lie within 3e-5 of the largest of the definition") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const Run run(c);
    REQUIRE(winograd_f32_fits(run.args.shape));
    Floats out(run.size(), -7.0F);
    SerialParallel serial;
    compute(run, *CpuToken::probe(Isa::scalar), out.data(), serial);
    double largest = 0.0;
    double error = 0.0;
    for (size_t p = 0; p < run.pixels(); ++p)
      for (size_t o = 0; o < c.out; ++o) {
        const double sum = convolved(run, p, o);
        largest = std::max(largest, std::abs(sum));
        const float got = out.data()[p * (c.out + 5) + o];
        error = std::max(error, std::abs(got - finished(run, sum, p, o)));
      }
    CHECK(error < 3e-5 * largest);
    CHECK(out.data()[c.out] == -7.0F);
  }
}

TEST_CASE("winograd_f32: every row and every split gives the same bits") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const Run run(c);
    Floats oracle(run.size(), -7.0F);
    SerialParallel serial;
    SplitParallel split;
    compute(run, *CpuToken::probe(Isa::scalar), oracle.data(), serial);
    for_each_row(winograd_f32_variants(), select_winograd_f32,
                 [&](const WinogradF32Variant& variant) {
                   for (Parallel* parallel :
                        {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
                     Floats out(run.size(), -7.0F);
                     compute(run, *CpuToken::probe(variant.isa), out.data(), *parallel);
                     CHECK(first_difference(out.data(), oracle.data(), run.size()) == run.size());
                   }
                 });
  }
}

TEST_CASE("winograd_f32: what doesn't fit is said so") {
  const ConvF32Shape good = Run(kCases[0]).args.shape;
  CHECK(winograd_f32_fits(good));
  const auto refuses = [&](auto change) {
    ConvF32Shape shape = good;
    change(shape);
    CHECK(!winograd_f32_fits(shape));
  };
  refuses([](ConvF32Shape& s) { s.kernel_width = 1; });
  refuses([](ConvF32Shape& s) { s.stride_y = 2; });
  refuses([](ConvF32Shape& s) { s.dilation_x = 2; });
  refuses([](ConvF32Shape& s) { s.groups = 2; });
  refuses([](ConvF32Shape& s) { s.in_channels = 24; });
  refuses([](ConvF32Shape& s) { s.out_channels = 3; });
}
