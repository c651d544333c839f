#pragma once

// winograd_f32's transforms over F32x16, included once by each instruction set's file.

#include "kernels/simd/functions.h"
#include "kernels/simd/unroll.h"
#include "kernels/winograd_f32/winograd_f32.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::unroll;

constexpr size_t kLanes = 16;
constexpr int kWindow = kWinogradWindow;
constexpr int kTile = kWinogradTile;

// B^T d.
inline __attribute__((always_inline)) void read_line(const F32x16 (&d)[kWindow],
                                                     F32x16 (&out)[kWindow]) {
  const F32x16 two = simd::set(2.0F);
  const F32x16 four = simd::set(4.0F);
  const F32x16 minus_four = simd::set(-4.0F);
  const F32x16 minus_five = simd::set(-5.0F);
  const F32x16 even = simd::fma(minus_four, d[2], d[4]);
  const F32x16 odd = simd::fma(minus_four, d[1], d[3]);
  const F32x16 near_even = simd::sub(d[4], d[2]);
  const F32x16 near_odd = simd::mul(two, simd::sub(d[3], d[1]));
  out[0] = simd::fma(four, d[0], simd::fma(minus_five, d[2], d[4]));
  out[1] = simd::add(even, odd);
  out[2] = simd::sub(even, odd);
  out[3] = simd::add(near_even, near_odd);
  out[4] = simd::sub(near_even, near_odd);
  out[5] = simd::fma(four, d[1], simd::fma(minus_five, d[3], d[5]));
}

// A^T m.
inline __attribute__((always_inline)) void write_line(const F32x16 (&m)[kWindow],
                                                      F32x16 (&out)[kTile]) {
  const F32x16 sum1 = simd::add(m[1], m[2]);
  const F32x16 sum2 = simd::add(m[3], m[4]);
  const F32x16 difference1 = simd::sub(m[1], m[2]);
  const F32x16 difference2 = simd::sub(m[3], m[4]);
  out[0] = simd::add(simd::add(m[0], sum1), sum2);
  out[1] = simd::fma(simd::set(2.0F), difference2, difference1);
  out[2] = simd::fma(simd::set(4.0F), sum2, sum1);
  out[3] = simd::add(simd::fma(simd::set(8.0F), difference2, difference1), m[5]);
}

void read_window(const WinogradWindow& window) {
  for (size_t c = 0; c < window.channels; c += kLanes) {
    F32x16 lines[kWindow][kWindow];
    for (int x = 0; x < kWindow; ++x) {
      F32x16 column[kWindow];
      F32x16 made[kWindow];
      unroll<kWindow>([&](auto y) __attribute__((always_inline)) {
        column[y] = simd::load(window.pixels[y * kWindow + x] + c);
      });
      read_line(column, made);
      unroll<kWindow>([&](auto y) __attribute__((always_inline)) { lines[y][x] = made[y]; });
    }
    float* out = window.out + c;
    for (int y = 0; y < kWindow; ++y) {
      F32x16 made[kWindow];
      read_line(lines[y], made);
      unroll<kWindow>([&](auto x) __attribute__((always_inline)) {
        simd::store(out + static_cast<size_t>(x) * window.plane, made[x]);
      });
      out += kWindow * window.plane;
    }
  }
}

template <ActivationKind kKind>
void write_channels(const WinogradTile& tile, size_t c) {
  F32x16 lines[kTile][kWindow];
  for (int x = 0; x < kWindow; ++x) {
    F32x16 column[kWindow];
    F32x16 made[kTile];
    unroll<kWindow>([&](auto y) __attribute__((always_inline)) {
      column[y] = simd::load(tile.in + static_cast<size_t>(y * kWindow + x) * tile.plane + c);
    });
    write_line(column, made);
    unroll<kTile>([&](auto y) __attribute__((always_inline)) { lines[y][x] = made[y]; });
  }
  const GemmF32Epilogue& e = tile.epilogue;
  const F32x16 bias = e.bias != nullptr ? simd::load(e.bias + c) : simd::zero();
  const F32x16 beta = simd::set(e.beta);
  for (size_t y = 0; y < tile.rows; ++y) {
    F32x16 made[kTile];
    write_line(lines[y], made);
    for (size_t x = 0; x < tile.columns; ++x) {
      const ptrdiff_t at = static_cast<ptrdiff_t>(y) * tile.row +
                           static_cast<ptrdiff_t>(x) * tile.pixel + static_cast<ptrdiff_t>(c);
      F32x16 value = simd::add(made[x], bias);
      if (e.addend != nullptr) value = simd::fma(beta, simd::load(e.addend + at), value);
      value = simd::activate<kKind>(value, e.activation);
      if (e.residual != nullptr) value = simd::add(value, simd::load(e.residual + at));
      simd::store(tile.out + at, value);
    }
  }
}

void write_tile(const WinogradTile& tile) {
  simd::with_kind(tile.epilogue.activation.kind, [&](auto tag) {
    for (size_t c = 0; c < tile.channels; c += kLanes)
      write_channels<decltype(tag)::kValue>(tile, c);
  });
}

}  // namespace
}  // namespace octet::kernels
