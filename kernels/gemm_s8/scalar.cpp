#include "kernels/simd/scalar.h"

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

struct Words {
  explicit Words(const GemmS8Args& args)
      : codes(static_cast<const int16_t*>(args.packed)), columns(args.n) {}
  int32_t operator()(size_t k, size_t n) const { return codes[k * columns + n]; }
  const int16_t* codes;
  size_t columns;
};

// 4-bit codes: int32_t zeros[N], then two codes a byte, [K, N]. Unsigned codes are stored minus 8,
// their zero points likewise.
struct Nibbles {
  explicit Nibbles(const GemmS8Args& args)
      : zeros(static_cast<const int32_t*>(args.packed)),
        codes(reinterpret_cast<const uint8_t*>(zeros + args.n)),
        columns(args.n) {}
  int32_t operator()(size_t k, size_t n) const {
    const size_t at = k * columns + n;
    const int32_t code = codes[at / 2] >> (at % 2 * 4) & 15;
    return (code ^ 8) - 8 - zeros[n];
  }
  const int32_t* zeros;
  const uint8_t* codes;
  size_t columns;
};

size_t nibble_bytes(size_t k, size_t n) { return n * sizeof(int32_t) + (k * n + 1) / 2; }

void pack_nibbles(const GemmS8Weights& w, void* packed) {
  auto* zeros = static_cast<int32_t*>(packed);
  auto* out = reinterpret_cast<uint8_t*>(zeros + w.n);
  std::fill_n(out, (w.k * w.n + 1) / 2, uint8_t{0});
  const int32_t shift = w.is_unsigned ? 8 : 0;
  for (size_t n = 0; n < w.n; ++n) {
    zeros[n] = (w.zero_point == nullptr ? 0 : w.zero_point[n * w.zero_stride]) - shift;
    for (size_t k = 0; k < w.k; ++k) {
      const uint8_t code =
          static_cast<const uint8_t*>(w.data)[k * w.row_stride + n * w.column_stride];
      const size_t at = k * w.n + n;
      out[at / 2] |= static_cast<uint8_t>(((code - shift) & 15) << (at % 2 * 4));
    }
  }
}

template <class Weights>
int32_t sum(const GemmS8Args& args, size_t m, size_t n) {
  const Weights b(args);
  const int32_t zero = args.a_row_zero == nullptr ? args.a_zero : args.a_row_zero[m];
  uint32_t acc = args.epilogue.bias == nullptr ? 0 : static_cast<uint32_t>(args.epilogue.bias[n]);
  for (size_t k = 0; k < args.k; ++k) {
    const size_t at = m * args.a_stride + k;
    const int32_t a = args.a_signed ? static_cast<const int8_t*>(args.a)[at]
                                    : static_cast<const uint8_t*>(args.a)[at];
    acc += static_cast<uint32_t>((a - zero) * b(k, n));
  }
  return static_cast<int32_t>(acc);
}

float real(const GemmS8Epilogue& e, int32_t acc, size_t m, size_t n) {
  const float row_scale = e.row_scale == nullptr ? 1.0F : e.row_scale[m];
  const float scale = e.multiplier[n * e.multiplier_stride] * row_scale;
  float value =
      std::fma(static_cast<float>(acc), scale, e.bias_f32 == nullptr ? 0.0F : e.bias_f32[n]);
  const float residual = e.residual == nullptr ? 0.0F : e.residual[m * e.residual_stride + n];
  if (e.addend != nullptr) value += e.addend[n];
  if (e.residual != nullptr && !e.residual_last) value += residual;
  if (finishes_floats(e)) {
    value = simd::activate(value, e.activation);
    return e.residual != nullptr && e.residual_last ? value + residual : value;
  }
  if (!clamps_floats(e)) return value;
  value = value > e.low_f32 ? value : e.low_f32;
  return value < e.high_f32 ? value : e.high_f32;
}

uint8_t code(const GemmS8Epilogue& e, int32_t acc, size_t m, size_t n) {
  if (e.code_scale > 0.0F)
    return simd::code(real(e, acc, m, n), {e.code_scale, e.zero_point, e.low, e.high});
  const float bias = e.bias_f32 == nullptr ? 0.0F : e.bias_f32[n];
  const float value =
      std::fma(static_cast<float>(acc), e.multiplier[n * e.multiplier_stride], bias);
  if (e.curve != nullptr)
    return e.curve->at(quantize<uint16_t>(value > 0.0F ? value : 0.0F, Scale{1.0F}, ZeroPoint{0}),
                       e.type == GemmS8Output::s8);
  const int32_t code = quantize<int16_t>(value, Scale{1.0F}, ZeroPoint{e.zero_point});
  const auto byte = static_cast<uint8_t>(std::clamp(code, e.low, e.high));
  return e.lookup == nullptr ? byte : e.lookup[byte];
}

template <class Weights>
void tile(const GemmS8Args& args, size_t row_begin, size_t row_end, size_t column_begin,
          size_t column_end) {
  const GemmS8Epilogue& e = args.epilogue;
  for (size_t m = row_begin; m < row_end; ++m)
    for (size_t n = column_begin; n < column_end; ++n) {
      const int32_t acc = sum<Weights>(args, m, n);
      const size_t at = m * args.c_stride + n;
      switch (e.type) {
        case GemmS8Output::s32: static_cast<int32_t*>(args.c)[at] = acc; break;
        case GemmS8Output::u8:
        case GemmS8Output::s8: static_cast<uint8_t*>(args.c)[at] = code(e, acc, m, n); break;
        case GemmS8Output::f32: static_cast<float*>(args.c)[at] = real(e, acc, m, n); break;
      }
    }
}

constexpr GemmS8Table kFourBits = {
    1, 16, nibble_bytes, pack_nibbles, scratch_bytes, prepare, tile<Nibbles>, nullptr, nullptr, 0};

}  // namespace

extern const GemmS8Table gemm_s8_scalar;
const GemmS8Table gemm_s8_scalar = {1,       16,          packed_bytes, pack,       scratch_bytes,
                                    prepare, tile<Words>, nullptr,      &kFourBits, 0};

}  // namespace octet::kernels
