#include <algorithm>
#include <cmath>

#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/quantize.h"

namespace octet::kernels {
namespace {

// Packed B is int16_t [K, N] with the zero points subtracted.
size_t packed_bytes(size_t k, size_t n) { return k * n * sizeof(int16_t); }

void pack(const GemmS8Weights& w, void* packed) {
  auto* out = static_cast<int16_t*>(packed);
  for (size_t k = 0; k < w.k; ++k)
    for (size_t n = 0; n < w.n; ++n) {
      const size_t at = k * w.row_stride + n * w.column_stride;
      const int32_t code = w.is_unsigned ? static_cast<const uint8_t*>(w.data)[at]
                                         : static_cast<const int8_t*>(w.data)[at];
      const int32_t zero = w.zero_point == nullptr ? 0 : w.zero_point[n * w.zero_stride];
      out[k * w.n + n] = static_cast<int16_t>(code - zero);
    }
}

size_t scratch_bytes(size_t /*m*/, size_t /*k*/) { return 0; }
void prepare(const GemmS8Args& /*args*/, size_t /*row_begin*/, size_t /*row_end*/) {}

int32_t sum(const GemmS8Args& args, size_t m, size_t n) {
  const auto* b = static_cast<const int16_t*>(args.packed);
  const int32_t zero = args.a_row_zero == nullptr ? args.a_zero : args.a_row_zero[m];
  uint32_t acc = args.epilogue.bias == nullptr ? 0 : static_cast<uint32_t>(args.epilogue.bias[n]);
  for (size_t k = 0; k < args.k; ++k) {
    const size_t at = m * args.a_stride + k;
    const int32_t a = args.a_signed ? static_cast<const int8_t*>(args.a)[at]
                                    : static_cast<const uint8_t*>(args.a)[at];
    acc += static_cast<uint32_t>((a - zero) * b[k * args.n + n]);
  }
  return static_cast<int32_t>(acc);
}

uint8_t code(const GemmS8Epilogue& e, int32_t acc, size_t n) {
  const float bias = e.bias_f32 == nullptr ? 0.0F : e.bias_f32[n];
  const float value =
      std::fma(static_cast<float>(acc), e.multiplier[n * e.multiplier_stride], bias);
  const int32_t code = quantize<int16_t>(value, Scale{1.0F}, ZeroPoint{e.zero_point});
  const auto byte = static_cast<uint8_t>(std::clamp(code, e.low, e.high));
  return e.lookup == nullptr ? byte : e.lookup[byte];
}

float real(const GemmS8Epilogue& e, int32_t acc, size_t m, size_t n) {
  const float row_scale = e.row_scale == nullptr ? 1.0F : e.row_scale[m];
  const float scale = e.multiplier[n * e.multiplier_stride] * row_scale;
  float value =
      std::fma(static_cast<float>(acc), scale, e.bias_f32 == nullptr ? 0.0F : e.bias_f32[n]);
  if (e.residual != nullptr) value += e.residual[m * e.residual_stride + n];
  value = value > e.low_f32 ? value : e.low_f32;
  return value < e.high_f32 ? value : e.high_f32;
}

void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  const GemmS8Epilogue& e = args.epilogue;
  for (size_t m = row_begin; m < row_end; ++m)
    for (size_t n = column_begin; n < column_end; ++n) {
      const int32_t acc = sum(args, m, n);
      const size_t at = m * args.c_stride + n;
      switch (e.type) {
        case GemmS8Output::s32: static_cast<int32_t*>(args.c)[at] = acc; break;
        case GemmS8Output::u8:
        case GemmS8Output::s8: static_cast<uint8_t*>(args.c)[at] = code(e, acc, n); break;
        case GemmS8Output::f32: static_cast<float*>(args.c)[at] = real(e, acc, m, n); break;
      }
    }
}

}  // namespace

extern const GemmS8Table gemm_s8_scalar;
const GemmS8Table gemm_s8_scalar = {1,       16,   packed_bytes, pack, scratch_bytes,
                                    prepare, tile, nullptr};

}  // namespace octet::kernels
