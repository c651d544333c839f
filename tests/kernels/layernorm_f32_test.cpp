#include "kernels/layernorm_f32/layernorm_f32.h"

#include <algorithm>

#include "kernels/quantize.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  NormF32 kind;
  size_t rows, n;
  bool scale = false;
  bool bias = false;
  bool residual = false;
};

const Case kCases[] = {
    {.name = "one element", .kind = NormF32::layer, .rows = 2, .n = 1},
    {.name = "short", .kind = NormF32::layer, .rows = 40, .n = 7, .scale = true},
    {.name = "sixteen", .kind = NormF32::layer, .rows = 5, .n = 16, .scale = true, .bias = true},
    {.name = "odd", .kind = NormF32::layer, .rows = 9, .n = 345, .scale = true, .bias = true},
    {.name = "residual",
     .kind = NormF32::layer,
     .rows = 9,
     .n = 129,
     .scale = true,
     .bias = true,
     .residual = true},
    {.name = "rms", .kind = NormF32::rms, .rows = 9, .n = 345, .scale = true},
    {.name = "rms residual", .kind = NormF32::rms, .rows = 100, .n = 256, .residual = true},
};

struct Outputs {
  explicit Outputs(const Case& c)
      : y(c.rows * c.n), sum(c.rows * c.n), mean(c.rows), inverse(c.rows) {}
  Floats y, sum, mean, inverse;
};

double truth(const Case& c, const LayerNormF32Args& args, size_t r, size_t i) {
  const auto at = [&](size_t k) {
    return static_cast<double>(args.x[r * c.n + k]) +
           (c.residual ? static_cast<double>(args.residual[r * c.n + k]) : 0.0);
  };
  double mean = 0.0;
  double squares = 0.0;
  const auto n = static_cast<double>(c.n);
  for (size_t k = 0; k < c.n; ++k) mean += at(k) / n;
  if (c.kind == NormF32::rms) mean = 0.0;
  for (size_t k = 0; k < c.n; ++k) squares += (at(k) - mean) * (at(k) - mean) / n;
  const double normalized = (at(i) - mean) / std::sqrt(squares + 1e-5);
  return normalized * (c.scale ? static_cast<double>(args.scale[i]) : 1.0) +
         (c.bias ? static_cast<double>(args.bias[i]) : 0.0);
}

void run(const LayerNormF32Table& table, LayerNormF32Args args, Outputs& out, Parallel& parallel) {
  args.y = out.y.data();
  args.sum = out.sum.data();
  args.mean = out.mean.data();
  args.inverse = out.inverse.data();
  layernorm_f32(table, args, parallel);
}

}  // namespace

TEST_CASE("layernorm_f32: near the truth, the same bits on every row") {
  SerialParallel serial;
  SplitParallel split;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const std::vector<float> x = random_floats(c.rows * c.n, 1, -2.0F, 6.0F);
    const std::vector<float> residual = random_floats(c.rows * c.n, 2);
    const std::vector<float> scale = random_floats(c.n, 3);
    const std::vector<float> bias = random_floats(c.n, 4);
    LayerNormF32Args args;
    args.kind = c.kind;
    args.x = x.data();
    args.rows = c.rows;
    args.n = c.n;
    if (c.residual) args.residual = residual.data();
    if (c.scale) args.scale = scale.data();
    if (c.bias) args.bias = bias.data();
    Outputs oracle(c);
    run(*layernorm_f32_variants()[0].table, args, oracle, serial);
    for (size_t i = 0; i < c.rows * c.n; ++i)
      REQUIRE(std::fabs(static_cast<double>(oracle.y.data()[i]) -
                        truth(c, args, i / c.n, i % c.n)) < 4e-6);
    for_each_row(
        layernorm_f32_variants(), select_layernorm_f32, [&](const LayerNormF32Variant& variant) {
          for (Parallel* parallel :
               {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
            Outputs out(c);
            run(*variant.table, args, out, *parallel);
            const size_t size = c.rows * c.n;
            CHECK(first_difference(out.y.data(), oracle.y.data(), size) == size);
            CHECK(first_difference(out.sum.data(), oracle.sum.data(), size) == size);
            CHECK(first_difference(out.mean.data(), oracle.mean.data(), c.rows) == c.rows);
            CHECK(first_difference(out.inverse.data(), oracle.inverse.data(), c.rows) == c.rows);
          }
        });
  }
}

TEST_CASE("layernorm_f32: floats and their rounded codes alone, the same on every row") {
  SerialParallel serial;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const std::vector<float> x = random_floats(c.rows * c.n, 1, -2.0F, 6.0F);
    const std::vector<float> scale = random_floats(c.n, 3);
    const std::vector<float> bias = random_floats(c.n, 4);
    LayerNormF32Args args;
    args.kind = c.kind;
    args.x = x.data();
    args.rows = c.rows;
    args.n = c.n;
    args.scale = scale.data();
    if (c.bias) args.bias = bias.data();
    std::vector<float> y(c.rows * c.n);
    args.y = y.data();
    layernorm_f32(*layernorm_f32_variants()[0].table, args, serial);
    for_each_row(layernorm_f32_variants(), select_layernorm_f32,
                 [&](const LayerNormF32Variant& variant) {
                   std::vector<float> same(y.size());
                   LayerNormF32Args floats = args;
                   floats.y = same.data();
                   layernorm_f32(*variant.table, floats, serial);
                   CHECK(first_difference(same.data(), y.data(), y.size()) == y.size());
                 });
    for (const CodeRounding& rounding :
         {CodeRounding{0.02F, 117, 0, 255}, CodeRounding{0.01F, -5, -128, 127}})
      for_each_row(
          layernorm_f32_variants(), select_layernorm_f32, [&](const LayerNormF32Variant& variant) {
            std::vector<uint8_t> codes(y.size() + 1, 77);
            LayerNormF32Args rounded = args;
            rounded.y = nullptr;
            rounded.codes = codes.data();
            rounded.rounding = rounding;
            layernorm_f32(*variant.table, rounded, serial);
            for (size_t i = 0; i < y.size(); ++i) {
              const int32_t code =
                  quantize<int16_t>(y[i], Scale{rounding.scale}, ZeroPoint{rounding.zero_point});
              REQUIRE(codes[i] ==
                      static_cast<uint8_t>(std::clamp(code, rounding.low, rounding.high)));
            }
            CHECK(codes[y.size()] == 77);
          });
  }
}

TEST_CASE("groupnorm_f32: each group of channels has zero mean and unit variance") {
  constexpr size_t kBatch = 2, kChannels = 6, kSpatial = 35;
  const std::vector<float> x = random_floats(kBatch * kChannels * kSpatial, 1, 0.0F, 3.0F);
  const std::vector<float> scale = random_floats(kChannels, 2, 0.5F, 2.0F);
  const std::vector<float> bias = random_floats(kChannels, 3);
  SerialParallel serial;
  SplitParallel split;
  for (const size_t groups : {size_t{1}, size_t{3}, kChannels}) {
    Floats oracle(x.size());
    GroupNormF32Args args{x.data(), oracle.data(), kBatch,       kChannels,  groups,
                          kSpatial, 1e-5F,         scale.data(), bias.data()};
    groupnorm_f32(*layernorm_f32_variants()[0].table, args, serial);
    const size_t n = kChannels / groups * kSpatial;
    for (size_t r = 0; r < kBatch * groups; ++r) {
      double mean = 0.0;
      double squares = 0.0;
      for (size_t i = r * n; i < (r + 1) * n; ++i) {
        const size_t channel = i / kSpatial % kChannels;
        const double value =
            (static_cast<double>(oracle.data()[i]) - static_cast<double>(bias[channel])) /
            static_cast<double>(scale[channel]);
        mean += value / static_cast<double>(n);
        squares += value * value / static_cast<double>(n);
      }
      CHECK(std::fabs(mean) < 1e-5);
      CHECK(std::fabs(squares - 1.0) < 1e-3);
    }
    for_each_row(layernorm_f32_variants(), select_layernorm_f32,
                 [&](const LayerNormF32Variant& variant) {
                   Floats y(x.size());
                   GroupNormF32Args other = args;
                   other.y = y.data();
                   groupnorm_f32(*variant.table, other, split);
                   CHECK(first_difference(y.data(), oracle.data(), x.size()) == x.size());
                 });
  }
}
