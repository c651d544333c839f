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
enum class Together { one, two, two_of_their_own, four };

// A row's sums times alpha, the last vector of which may be narrow.
template <int kVectors>
inline __attribute__((always_inline)) void put(F32x16 v0, F32x16 v1, F32x16 v2, F32x16 alpha,
                                               float* to, Mask16 last) {
  const F32x16 zero = simd::set(0.0F);
  v0 = simd::fma(alpha, v0, zero);
  if (kVectors == 1) return simd::store(to, v0, last);
  simd::store(to, v0);
  v1 = simd::fma(alpha, v1, zero);
  if (kVectors == 2) return simd::store(to + kLanes, v1, last);
  simd::store(to + kLanes, v1);
  simd::store(to + 2 * kLanes, simd::fma(alpha, v2, zero), last);
}

// Calls f<kVectors>(c, last) for columns [c, c + kVectors vectors), the last of which may be
// narrow.
template <typename F>
inline __attribute__((always_inline)) void for_columns(size_t columns, const F& f) {
  for (size_t c = 0; c < columns; c += 3 * kLanes) {
    const size_t left = columns - c;
    const auto last = [left](size_t before) {
      return simd::first(left - before < kLanes ? left - before : kLanes);
    };
    if (left <= kLanes)
      f.template operator()<1>(c, last(0));
    else if (left <= 2 * kLanes)
      f.template operator()<2>(c, last(kLanes));
    else
      f.template operator()<3>(c, last(2 * kLanes));
  }
}

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
  put<kVectors>(x0, x1, x2, alpha, y, last);
  if (kTwo) put<kVectors>(y0, y1, y2, alpha, y + args.y_row, last);
}

// Four rows that share B, where registers hold their sums.
template <int kVectors>
inline __attribute__((always_inline)) void shared_block(const RowF32Args& args, const float* a,
                                                        const float* b, float* y, Mask16 last) {
  constexpr int kRows = 4;
  F32x16 sums[kRows][kVectors], columns[kVectors];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) sums[r][v] = simd::set(0.0F);
  for (size_t k = 0; k < args.depth; ++k, a += args.a_step, b += args.b_row) {
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v)
      columns[v] =
          v + 1 == kVectors ? simd::load(b + v * kLanes, last) : simd::load(b + v * kLanes);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const F32x16 value = simd::set(a[r * args.a_row]);
#pragma GCC unroll 3
      for (int v = 0; v < kVectors; ++v) sums[r][v] = simd::fma(value, columns[v], sums[r][v]);
    }
  }
  const F32x16 zero = simd::set(0.0F), alpha = simd::set(args.alpha);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r, y += args.y_row)
#pragma GCC unroll 3
    for (int v = 0; v < kVectors; ++v) {
      const F32x16 value = simd::fma(alpha, sums[r][v], zero);
      if (v + 1 == kVectors)
        simd::store(y + v * kLanes, value, last);
      else
        simd::store(y + v * kLanes, value);
    }
}

template <Together kRows>
void rows(const RowF32Args& args, const float* a, const float* b, float* y) {
  for_columns(
      args.columns, [&]<int kVectors>(size_t c, Mask16 last) __attribute__((always_inline)) {
        if constexpr (kRows == Together::four)
          shared_block<kVectors>(args, a, b + c, y + c, last);
        else
          block<kRows, kVectors>(args, a, b + c, y + c, last);
      });
}

struct FourRows {
  F32x16 at[4];
};

// Four rows times matrices of their own of at most kLanes columns: as `block`.
inline __attribute__((always_inline)) FourRows narrow_rows(const RowF32Args& args, const float* a,
                                                           const float* b) {
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
  return {{simd::fma(alpha, y0, zero), simd::fma(alpha, y1, zero), simd::fma(alpha, y2, zero),
           simd::fma(alpha, y3, zero)}};
}

void multiply(const RowF32Args& args) {
  const float *a = args.a, *b = args.b;
  float* y = args.y;
  const auto both = args.b_next == 0 ? rows<Together::two> : rows<Together::two_of_their_own>;
  size_t r = 0;
  if (args.b_next != 0 && args.columns <= kLanes)
    for (; r + 4 <= args.rows; r += 4, a += 4 * args.a_row, b += 4 * args.b_next) {
      const FourRows four = narrow_rows(args, a, b);
      for (size_t i = 0; i < 4; ++i, y += args.y_row)
        simd::store(y, four.at[i], simd::first(args.columns));
    }
  if constexpr (simd::kRegisters >= 32)
    for (; args.b_next == 0 && r + 4 <= args.rows; r += 4, a += 4 * args.a_row, y += 4 * args.y_row)
      rows<Together::four>(args, a, b, y);
  for (; r + 2 <= args.rows; r += 2, a += 2 * args.a_row, b += 2 * args.b_next, y += 2 * args.y_row)
    both(args, a, b, y);
  if (r < args.rows) rows<Together::one>(args, a, b, y);
}

// Scores of one vector a row become probabilities.
template <size_t kRows>
inline __attribute__((always_inline)) void soften(F32x16* rows, size_t columns) {
  const Mask16 all = simd::first(columns);
  const F32x16 lowest = simd::set(-__builtin_inff());
  F32x16 e[kRows];
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r)
    e[r] = simd::set(simd::max_lanes(simd::select(all, simd::max(lowest, rows[r]), lowest)));
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) e[r] = simd::exp(simd::sub(rows[r], e[r]));
#pragma GCC unroll 4
  for (size_t r = 0; r < kRows; ++r) {
    const F32x16 sum = simd::select(all, simd::add(simd::zero(), e[r]), simd::zero());
    rows[r] = simd::mul(e[r], simd::set(1.0F / simd::sum_lanes(sum)));
  }
}

void attend(const RowAttentionArgs& args) {
  constexpr size_t kFour = 4;
  static_assert(kAttendedKeys == kLanes);
  alignas(64) float lines[kFour * kLanes];
  RowF32Args mixed;
  mixed.a_row = static_cast<ptrdiff_t>(kLanes);
  mixed.b_row = args.v_row;
  mixed.b_next = args.v_next;
  mixed.depth = args.scores.columns;
  mixed.columns = args.columns;
  mixed.y_row = args.y_row;
  const float *a = args.scores.a, *b = args.scores.b, *v = args.v;
  float* y = args.y;
  const auto both = args.v_next == 0 ? rows<Together::two> : rows<Together::two_of_their_own>;
  size_t r = 0;
  for (; r + kFour <= args.scores.rows; r += kFour) {
    FourRows four = narrow_rows(args.scores, a, b);
    soften<kFour>(four.at, args.scores.columns);
    for (size_t i = 0; i < kFour; ++i) simd::store(lines + i * kLanes, four.at[i]);
    for (size_t i = 0; i < kFour; i += 2, v += 2 * args.v_next, y += 2 * args.y_row)
      both(mixed, lines + i * kLanes, v, y);
    a += kFour * args.scores.a_row;
    b += kFour * args.scores.b_next;
  }
  RowF32Args scores = args.scores;
  scores.y = lines;
  for (; r < args.scores.rows; ++r, v += args.v_next, y += args.y_row) {
    rows<Together::one>(scores, a, b, lines);
    F32x16 line = simd::load(lines, simd::first(scores.columns));
    soften<1>(&line, scores.columns);
    simd::store(lines, line);
    rows<Together::one>(mixed, lines, v, y);
    a += scores.a_row;
    b += scores.b_next;
  }
}

}  // namespace
}  // namespace octet::kernels
