#pragma once

// row_f32 over F32x16, included once by each instruction set's file.

#include "kernels/row_f32/row_f32.h"
#include "kernels/simd/functions.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Mask16;

constexpr size_t kLanes = 16;

// How many rows go at once, and whether they share B.
enum class Together { one, two, two_of_their_own };

// One or two rows times `kVectors` vectors of columns, the last of which may be narrow: as many
// chains at once hide the latency of an addition.
template <Together kRows, int kVectors>
inline __attribute__((always_inline)) void block(const RowF32Args& args, const float* a,
                                                 const float* b, float* y, Mask16 last) {
  constexpr bool kTwo = kRows != Together::one, kOwn = kRows == Together::two_of_their_own;
  const F32x16 zero = simd::set(0.0F), alpha = simd::set(args.alpha);
  F32x16 x0 = zero, x1 = zero, x2 = zero, y0 = zero, y1 = zero, y2 = zero;
  for (size_t k = 0; k < args.depth; ++k, a += args.a_step, b += args.b_row) {
    const auto load = [&](const float* at, int v) __attribute__((always_inline)) {
      if (v >= kVectors) return zero;
      return v + 1 == kVectors ? simd::load(at + v * kLanes, last) : simd::load(at + v * kLanes);
    };
    F32x16 b0 = load(b, 0), b1 = load(b, 1), b2 = load(b, 2);
    const F32x16 first = simd::set(*a);
    x0 = simd::fma(first, b0, x0);
    if (kVectors > 1) x1 = simd::fma(first, b1, x1);
    if (kVectors > 2) x2 = simd::fma(first, b2, x2);
    if (!kTwo) continue;
    if (kOwn) {
      const float* other = b + args.b_next;
      b0 = load(other, 0);
      b1 = load(other, 1);
      b2 = load(other, 2);
    }
    const F32x16 second = simd::set(a[args.a_row]);
    y0 = simd::fma(second, b0, y0);
    if (kVectors > 1) y1 = simd::fma(second, b1, y1);
    if (kVectors > 2) y2 = simd::fma(second, b2, y2);
  }
  const auto finish = [&](float* to, F32x16 v0, F32x16 v1, F32x16 v2)
      __attribute__((always_inline)) {
    v0 = simd::fma(alpha, v0, zero);
    if (kVectors == 1) return simd::store(to, v0, last);
    simd::store(to, v0);
    v1 = simd::fma(alpha, v1, zero);
    if (kVectors == 2) return simd::store(to + kLanes, v1, last);
    simd::store(to + kLanes, v1);
    simd::store(to + 2 * kLanes, simd::fma(alpha, v2, zero), last);
  };
  finish(y, x0, x1, x2);
  if (kTwo) finish(y + args.y_row, y0, y1, y2);
}

template <Together kRows>
void rows(const RowF32Args& args, const float* a, const float* b, float* y) {
  for (size_t c = 0; c < args.columns; c += 3 * kLanes) {
    const size_t left = args.columns - c;
    const auto last = [left](size_t before) {
      return simd::first(left - before < kLanes ? left - before : kLanes);
    };
    if (left <= kLanes)
      block<kRows, 1>(args, a, b + c, y + c, last(0));
    else if (left <= 2 * kLanes)
      block<kRows, 2>(args, a, b + c, y + c, last(kLanes));
    else
      block<kRows, 3>(args, a, b + c, y + c, last(2 * kLanes));
  }
}

// Four rows times matrices of their own of at most kLanes columns: as `block`.
void narrow_rows(const RowF32Args& args, const float* a, const float* b, float* y) {
  const Mask16 all = simd::first(args.columns);
  const F32x16 zero = simd::set(0.0F), alpha = simd::set(args.alpha);
  F32x16 y0 = zero, y1 = zero, y2 = zero, y3 = zero;
  for (size_t k = 0; k < args.depth; ++k, a += args.a_step, b += args.b_row) {
    const auto added = [&](ptrdiff_t r, F32x16 sum) __attribute__((always_inline)) {
      return simd::fma(simd::set(a[r * args.a_row]), simd::load(b + r * args.b_next, all), sum);
    };
    y0 = added(0, y0);
    y1 = added(1, y1);
    y2 = added(2, y2);
    y3 = added(3, y3);
  }
  simd::store(y, simd::fma(alpha, y0, zero), all);
  simd::store(y + args.y_row, simd::fma(alpha, y1, zero), all);
  simd::store(y + 2 * args.y_row, simd::fma(alpha, y2, zero), all);
  simd::store(y + 3 * args.y_row, simd::fma(alpha, y3, zero), all);
}

void multiply(const RowF32Args& args) {
  const float *a = args.a, *b = args.b;
  float* y = args.y;
  const auto both = args.b_next == 0 ? rows<Together::two> : rows<Together::two_of_their_own>;
  size_t r = 0;
  if (args.b_next != 0 && args.columns <= kLanes)
    for (; r + 4 <= args.rows;
         r += 4, a += 4 * args.a_row, b += 4 * args.b_next, y += 4 * args.y_row)
      narrow_rows(args, a, b, y);
  for (; r + 2 <= args.rows; r += 2, a += 2 * args.a_row, b += 2 * args.b_next, y += 2 * args.y_row)
    both(args, a, b, y);
  if (r < args.rows) rows<Together::one>(args, a, b, y);
}

}  // namespace
}  // namespace octet::kernels
