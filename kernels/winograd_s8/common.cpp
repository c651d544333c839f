#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "kernels/conv_scalar.h"
#include "kernels/winograd_s8/winograd_s8.h"

namespace octet::kernels {
namespace {

// Sums of 8-bit codes, as s8, with these weights stay below 2^25 in magnitude.
constexpr int64_t kMostWeight = (int64_t{1} << 18) - 1;

// How many times as fast as conv_s8 whole tiles were, and the most weights with which networks were
// faster: eight times their bytes come from memory, which direct convolutions by VNNI don't wait
// for. NEON's gain is that of its instruction counts.
struct Rule {
  Isa isa;
  float gain;
  size_t most_weights;
};
constexpr Rule kRules[] = {{Isa::avx2, 3.0F, 256 * 256},
                           {Isa::avxvnni, 1.6F, 128 * 128},
                           {Isa::avx512vnni, 1.5F, 128 * 128},
                           {Isa::neon, 1.6F, 256 * 256}};

// Fewer tiles don't fill the registers of the widest instruction sets.
constexpr size_t kLeastTiles = 4;

}  // namespace

bool winograd_s8_pays(const ConvShape& s, Isa direct) {
  const auto* rule = std::find_if(std::begin(kRules), std::end(kRules),
                                  [&](const Rule& r) { return r.isa == direct; });
  if (rule == std::end(kRules) || s.in_channels * s.out_channels > rule->most_weights) return false;
  if (s.out_h == 0 || s.out_w == 0) return true;
  const size_t tiles = std::max<size_t>(s.batch, 1) * ((s.out_h + 3) / 4) * ((s.out_w + 3) / 4);
  const size_t pixels = std::max<size_t>(s.batch, 1) * s.out_h * s.out_w;
  if (tiles < kLeastTiles && direct != Isa::avx2) return false;
  return static_cast<float>(tiles * 16) < rule->gain * static_cast<float>(pixels);
}

bool winograd_s8_takes(const ConvShape& s, const ConvWeights& weights) {
  if (s.kernel_h != 3 || s.kernel_w != 3 || s.stride_h != 1 || s.stride_w != 1 ||
      s.dilation_h != 1 || s.dilation_w != 1 || s.groups != 1 || s.in_channels % 32 != 0)
    return false;
  const size_t depth = s.in_channels * 9;
  for (size_t c = 0; c < s.out_channels; ++c) {
    int64_t weight = 0;
    for (size_t k = 0; k < depth; ++k) weight += std::abs(weight_at(weights, c * depth + k, c));
    if (weight > kMostWeight) return false;
  }
  return true;
}

}  // namespace octet::kernels
