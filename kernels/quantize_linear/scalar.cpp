#include <algorithm>
#include <cmath>

#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::kernels {
namespace {

constexpr size_t kGrain = 16384;

int32_t load(const void* data, Element type, size_t i) {
  switch (type) {
    case Element::u8: return static_cast<const uint8_t*>(data)[i];
    case Element::s8: return static_cast<const int8_t*>(data)[i];
    case Element::u16: return static_cast<const uint16_t*>(data)[i];
    case Element::s16: return static_cast<const int16_t*>(data)[i];
    default: return static_cast<const int32_t*>(data)[i];
  }
}

void store(void* data, Element type, size_t i, int32_t code) {
  if (type == Element::u8 || type == Element::s8)
    static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(code & 0xFF);
  else
    static_cast<uint16_t*>(data)[i] = static_cast<uint16_t>(code & 0xFFFF);
}

int32_t to_code(float rounded, int32_t zero_point, int32_t low, int32_t high) {
  if (std::isnan(rounded)) return std::clamp(zero_point, low, high);
  const float code = rounded + static_cast<float>(zero_point);
  return static_cast<int32_t>(std::clamp(code, static_cast<float>(low), static_cast<float>(high)));
}

void quantize(const QuantizeArgs& a, Parallel& parallel) {
  parallel.for_ranges(a.outer * a.channels * a.inner, kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t c = i / a.inner % a.channels;
      const int32_t zero = a.zero_point != nullptr ? a.zero_point[c] : 0;
      store(a.out, a.type, i, to_code(std::nearbyint(a.in[i] / a.scale[c]), zero, a.low, a.high));
    }
  });
}

void dequantize(const DequantizeArgs& a, Parallel& parallel) {
  parallel.for_ranges(a.outer * a.channels * a.inner, kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t c = i / a.inner % a.channels;
      const int32_t zero = a.zero_point != nullptr ? a.zero_point[c] : 0;
      a.out[i] = static_cast<float>(load(a.in, a.type, i) - zero) * a.scale[c];
    }
  });
}

int32_t load_nibble(const CodeRunArgs& a, size_t i) {
  const int32_t code = static_cast<const uint8_t*>(a.in)[i / 2] >> (i % 2 * 4) & 15;
  return a.type == Element::s8 ? (code ^ 8) - 8 : code;
}

void code_run(const CodeRunArgs& a) {
  for (size_t i = 0; i < a.count; ++i) {
    const size_t at = a.first + i, c = i / a.group;
    const int32_t code = a.nibbles ? load_nibble(a, at) : load(a.in, a.type, at);
    const int32_t zero = a.zero_point != nullptr ? a.zero_point[c] : 0;
    const float value = static_cast<float>(code - zero) * a.scale[c];
    if (a.codes == nullptr) {
      a.out[i] = value;
      continue;
    }
    const QuantizeArgs& q = *a.codes;
    const int32_t out_zero = q.zero_point != nullptr ? *q.zero_point : 0;
    store(q.out, q.type, i, to_code(std::nearbyint(value / *q.scale), out_zero, q.low, q.high));
  }
}

void requantize(const RequantizeArgs& a, Parallel& parallel) {
  parallel.for_ranges(a.count, kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const int32_t code = load(a.in, a.in_type, i) - a.in_zero_point;
      const float rounded = std::nearbyint(static_cast<float>(code) * a.multiplier);
      store(a.out, a.out_type, i, to_code(rounded, a.out_zero_point, a.low, a.high));
    }
  });
}

FloatRange range(const float* in, size_t count, Parallel& /*parallel*/) {
  bool any = false;
  FloatRange r;
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(in[i])) continue;
    r.min = any ? std::min(r.min, in[i]) : in[i];
    r.max = any ? std::max(r.max, in[i]) : in[i];
    any = true;
  }
  return {r.min + 0.0F, r.max + 0.0F};  // -0 becomes +0: the order of equal zeros must not show
}

struct Parameters {
  float scale;
  int32_t zero_point;
};

Parameters asymmetric(FloatRange r) {
  const float low = std::min(r.min, 0.0F);
  const float high = std::max(r.max, 0.0F);
  const float scale = high == low ? 1.0F : (high - low) / 255.0F;
  return {scale, to_code(std::nearbyint((0.0F - low) / scale), 0, 0, 255)};
}

Parameters symmetric(FloatRange r) {
  const float largest = std::max(-r.min, r.max);
  return {largest > 0.0F ? largest / 127.0F : 1.0F, 0};
}

void quantize_row(const float* in, size_t count, void* out, bool is_signed, Parameters p) {
  for (size_t i = 0; i < count; ++i) {
    const float rounded = std::nearbyint(in[i] / p.scale);
    store(out, Element::u8, i,
          to_code(rounded, p.zero_point, is_signed ? -128 : 0, is_signed ? 127 : 255));
  }
}

void dynamic(const float* in, size_t count, uint8_t* out, float* scale, uint8_t* zero_point,
             Parallel& parallel) {
  const Parameters p = asymmetric(range(in, count, parallel));
  *scale = p.scale;
  *zero_point = static_cast<uint8_t>(p.zero_point);
  quantize_row(in, count, out, false, p);
}

void dynamic_rows(const DynamicRowsArgs& a, Parallel& parallel) {
  const size_t in_stride = a.in_stride == 0 ? a.columns : a.in_stride;
  const size_t out_stride = a.out_stride == 0 ? a.columns : a.out_stride;
  parallel.for_ranges(a.rows, 1, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* in = a.in + row * in_stride;
      const FloatRange r = range(in, a.columns, parallel);
      const Parameters p = a.out_signed ? symmetric(r) : asymmetric(r);
      a.scale[row] = p.scale;
      a.zero_point[row] = p.zero_point;
      quantize_row(in, a.columns, static_cast<uint8_t*>(a.out) + row * out_stride, a.out_signed, p);
    }
  });
}

}  // namespace

extern const QuantizeLinearTable quantize_linear_scalar;
const QuantizeLinearTable quantize_linear_scalar{quantize, dequantize, code_run,    requantize,
                                                 range,    dynamic,    dynamic_rows};

}  // namespace octet::kernels
