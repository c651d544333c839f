#pragma once

// row_f32 over F32x16, included once by each instruction set's file.

#include "kernels/row_f32/row_f32.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Mask16;

constexpr size_t kLanes = 16;

void multiply(const RowF32Args& args) {
  const F32x16 zero = simd::set(0.0F), alpha = simd::set(args.alpha);
  size_t c = 0;
  // Three chains at once hide the latency of an addition.
  for (; c + 2 * kLanes < args.columns; c += 3 * kLanes) {
    const size_t left = args.columns - c - 2 * kLanes;
    const Mask16 some = simd::first(left < kLanes ? left : kLanes);
    F32x16 x = zero, y = zero, z = zero;
    const float* a = args.a;
    const float* b = args.b + c;
    for (size_t k = 0; k < args.depth; ++k, a += args.a_step, b += args.b_row) {
      const F32x16 factor = simd::set(*a);
      x = simd::fma(factor, simd::load(b), x);
      y = simd::fma(factor, simd::load(b + kLanes), y);
      z = simd::fma(factor, simd::load(b + 2 * kLanes, some), z);
    }
    simd::store(args.y + c, simd::fma(alpha, x, zero));
    simd::store(args.y + c + kLanes, simd::fma(alpha, y, zero));
    simd::store(args.y + c + 2 * kLanes, simd::fma(alpha, z, zero), some);
  }
  for (; c < args.columns; c += kLanes) {
    const Mask16 some = simd::first(args.columns - c < kLanes ? args.columns - c : kLanes);
    F32x16 x = zero;
    const float* a = args.a;
    const float* b = args.b + c;
    for (size_t k = 0; k < args.depth; ++k, a += args.a_step, b += args.b_row)
      x = simd::fma(simd::set(*a), simd::load(b, some), x);
    simd::store(args.y + c, simd::fma(alpha, x, zero), some);
  }
}

}  // namespace
}  // namespace octet::kernels
