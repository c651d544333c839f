#pragma once

#include <cstddef>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/parallel.h"
#include "kernels/rounding.h"

// Normalization over contiguous rows. mean = sum(x) / n; variance = sum((x - mean)^2) / n, in two
// passes; inverse = 1 / sqrt(variance + epsilon). Sums have 16 lanes (element i goes to lane
// i mod 16) that are added as a fixed tree (8 apart, 4, 2, 1).

namespace octet::kernels {

enum class NormF32 : uint8_t {
  /// (x - mean) * inverse.
  layer,
  /// x / sqrt(sum(x^2) / n + epsilon).
  rms,
};

/// y[r,i] = fma(normalized, scale[i], bias[i]) for [rows, n]; y may be x.
struct LayerNormF32Args {
  NormF32 kind = NormF32::layer;
  const float* x = nullptr;
  /// When set, x + residual is normalized.
  const float* residual = nullptr;
  /// When set, receives x + residual (may be x or residual).
  float* sum = nullptr;
  float* y = nullptr;
  /// When set, takes the codes of y in place of y.
  uint8_t* codes = nullptr;
  CodeRounding rounding = {};
  size_t rows = 0;
  size_t n = 0;
  float epsilon = 1e-5F;
  /// [n] or null.
  const float* scale = nullptr;
  const float* bias = nullptr;
  /// [rows] or null: ONNX's optional outputs. `mean` is left alone by rms.
  float* mean = nullptr;
  float* inverse = nullptr;
};

/// Group norm over [batch, channels, spatial] (NCHW): each of `groups` groups of channels of an
/// image is a row. Instance norm is groups = channels. scale and bias are [channels], or null.
struct GroupNormF32Args {
  const float* x = nullptr;
  float* y = nullptr;
  size_t batch = 1;
  size_t channels = 1;
  size_t groups = 1;
  size_t spatial = 1;
  float epsilon = 1e-5F;
  const float* scale = nullptr;
  const float* bias = nullptr;
};

struct LayerNormF32Table {
  /// Rows [begin, end).
  void (*rows)(const LayerNormF32Args& args, size_t begin, size_t end);
  void (*moments)(const float* x, size_t n, float epsilon, float* mean, float* inverse);
  /// y = fma((x - mean) * inverse, scale, bias).
  void (*normalize)(const float* x, float* y, size_t n, float mean, float inverse, float scale,
                    float bias);
};

using LayerNormF32Variant = Variant<LayerNormF32Table>;

std::span<const LayerNormF32Variant> layernorm_f32_variants();
const LayerNormF32Variant& select_layernorm_f32(CpuToken token);

void layernorm_f32(const LayerNormF32Table& table, const LayerNormF32Args& args,
                   Parallel& parallel);
void groupnorm_f32(const LayerNormF32Table& table, const GroupNormF32Args& args,
                   Parallel& parallel);

}  // namespace octet::kernels
