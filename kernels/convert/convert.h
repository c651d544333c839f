#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/dispatch.h"
#include "kernels/half.h"
#include "kernels/parallel.h"

// Conversions between floating-point formats, rounding as kernels/half.h does.

namespace octet::kernels {

struct ConvertTable {
  void (*half_to_float)(const Half* x, float* y, size_t count);
  void (*float_to_half)(const float* x, Half* y, size_t count);
  void (*bfloat16_to_float)(const Bfloat16* x, float* y, size_t count);
  void (*float_to_bfloat16)(const float* x, Bfloat16* y, size_t count);
};

using ConvertVariant = Variant<ConvertTable>;

std::span<const ConvertVariant> convert_variants();
const ConvertVariant& select_convert(CpuToken token);

void convert(const ConvertTable& table, const Half* x, float* y, size_t count, Parallel& parallel);
void convert(const ConvertTable& table, const float* x, Half* y, size_t count, Parallel& parallel);
void convert(const ConvertTable& table, const Bfloat16* x, float* y, size_t count,
             Parallel& parallel);
void convert(const ConvertTable& table, const float* x, Bfloat16* y, size_t count,
             Parallel& parallel);

}  // namespace octet::kernels
