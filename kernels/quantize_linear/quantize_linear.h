#pragma once

#include <span>

#include "kernels/dispatch.h"
#include "kernels/element.h"
#include "kernels/parallel.h"

namespace octet::kernels {

/// out = clamp(nearest_even(x / scale[c]) + zero_point[c], low, high) over [outer, channels,
/// inner]; NaN gives the zero point, clamped likewise. A single scale is outer = channels = 1.
/// `low` and `high` are codes: the type's limits, or those of a narrower type held unpacked (s4:
/// -8, 7).
struct QuantizeArgs {
  const float* in = nullptr;
  void* out = nullptr;
  Element type = Element::u8;  // u8, s8, u16 or s16
  size_t outer = 1, channels = 1, inner = 0;
  const float* scale = nullptr;         // [channels]
  const int32_t* zero_point = nullptr;  // [channels], or null: all 0
  int32_t low = 0, high = 255;
};

/// out = float(code - zero_point[c]) * scale[c] over [outer, channels, inner].
struct DequantizeArgs {
  const void* in = nullptr;
  Element type = Element::u8;  // u8, s8, u16, s16 or s32
  float* out = nullptr;
  size_t outer = 1, channels = 1, inner = 0;
  const float* scale = nullptr;         // [channels]
  const int32_t* zero_point = nullptr;  // [channels], or null: all 0
};

/// A run of codes from anywhere in a tensor: v[i] = float(code - zero_point[i / group]) * scale[i /
/// group].
struct CodeRunArgs {
  const void* in = nullptr;
  Element type = Element::u8;  // u8, s8, u16 or s16
  bool nibbles = false;        // 4-bit codes, two a byte, the low one first; type: u8 or s8
  size_t first = 0, count = 0;
  size_t group = 1;
  const float* scale = nullptr;
  const int32_t* zero_point = nullptr;  // or null: all 0
  float* out = nullptr;                 // v; or null:
  /// v rounded as `quantize` does. Its in, outer, channels and inner are not read.
  const QuantizeArgs* codes = nullptr;
};

/// out = clamp(nearest_even(float(code - in_zero_point) * multiplier) + out_zero_point, low, high).
struct RequantizeArgs {
  const void* in = nullptr;
  Element in_type = Element::u8;  // u8, s8, u16, s16 or s32
  int32_t in_zero_point = 0;
  void* out = nullptr;
  Element out_type = Element::u8;  // u8, s8, u16 or s16
  int32_t out_zero_point = 0;
  float multiplier = 1.0F;  // input scale / output scale
  int32_t low = 0, high = 255;
  size_t count = 0;
};

/// Extremes of a tensor; NaN is passed over, and both are 0 where nothing is left.
struct FloatRange {
  float min = 0.0F, max = 0.0F;
};

/// Dynamic quantization of each row by its own extremes. u8: ONNX DynamicQuantizeLinear's formula.
/// s8: symmetric, scale = max |x| / 127 and zero point 0. A row of zeros has the scale 1.
struct DynamicRowsArgs {
  const float* in = nullptr;
  size_t rows = 0, columns = 0;
  size_t in_stride = 0;  // elements between rows; 0 means dense
  void* out = nullptr;
  size_t out_stride = 0;  // elements between rows; 0 means dense
  bool out_signed = false;
  float* scale = nullptr;         // [rows], written
  int32_t* zero_point = nullptr;  // [rows], written
};

struct QuantizeLinearTable {
  void (*quantize)(const QuantizeArgs& args, Parallel& parallel);
  void (*dequantize)(const DequantizeArgs& args, Parallel& parallel);
  void (*code_run)(const CodeRunArgs& args);
  void (*requantize)(const RequantizeArgs& args, Parallel& parallel);
  FloatRange (*range)(const float* in, size_t count, Parallel& parallel);
  /// ONNX DynamicQuantizeLinear over the whole tensor; writes `*scale` and `*zero_point`.
  void (*dynamic)(const float* in, size_t count, uint8_t* out, float* scale, uint8_t* zero_point,
                  Parallel& parallel);
  void (*dynamic_rows)(const DynamicRowsArgs& args, Parallel& parallel);
};

const Variant<QuantizeLinearTable>& select_quantize_linear(CpuToken token);
std::span<const Variant<QuantizeLinearTable>> quantize_linear_variants();

}  // namespace octet::kernels
