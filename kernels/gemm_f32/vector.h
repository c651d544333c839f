#pragma once

// gemm_f32 over F32x16, included once by each instruction set's file.

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/simd/functions.h"
#include "kernels/simd/transpose_x86.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::Index;
using simd::unroll;

constexpr size_t kLanes = 16;
// A tile's sums take 12 of 16 AVX2 registers or 24 of 32 AVX-512 registers.
constexpr int kPanelVectors = simd::kRegisters >= 32 ? 2 : 1;
constexpr size_t kTileRows = simd::kRegisters >= 32 ? 12 : 6;
constexpr size_t kPanel = kPanelVectors * kLanes;
// Rows of a packed B that are asked for before they are needed; addresses past its end do no harm.
constexpr size_t kRowsAhead = 16;
constexpr size_t kMostPanels = 4;
constexpr float kNoBias[kMostPanels * kPanel] = {};

// What a register tile reads and where it leaves its sums.
struct TileArgs {
  const float* const* pointers;
  size_t pointers_per_tap;
  const uint32_t* tap_index;
  size_t taps;
  size_t depth;
  ptrdiff_t step;
  const float* packed;
  size_t panel_stride;
  size_t b_row;
  // [rows][vectors * 16], for `finish`.
  float* sums;
  // Where the results go when bias and clamp are all there is to do.
  float* out;
  ptrdiff_t out_row;
  const float* bias;
  float low, high;
};

// Sums of kRows rows by kPanels panels of kVectors vectors.
template <int kRows, int kVectors, int kPanels>
void multiply(const TileArgs& args) {
  F32x16 sums[kRows][kPanels * kVectors];
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    unroll<kPanels * kVectors>([&](auto v)
                                   __attribute__((always_inline)) { sums[r][v] = simd::zero(); });
  });
  for (size_t tap = 0; tap < args.taps; ++tap) {
    const float* a[kRows];
    unroll<kRows>([&](auto r) __attribute__((always_inline)) {
      a[r] = args.pointers[tap * args.pointers_per_tap + static_cast<size_t>(r.value)];
      // Opaque, so that the loop below keeps one offset instead of advancing every pointer.
      __asm__("" : "+r"(a[r]));
    });
    const size_t index = args.tap_index != nullptr ? args.tap_index[tap] : tap;
    const float* b = args.packed + index * args.depth * args.b_row;
    ptrdiff_t offset = 0;
    for (size_t k = 0; k < args.depth; ++k) {
      F32x16 row[kPanels * kVectors];
      unroll<kPanels>([&](auto p) __attribute__((always_inline)) {
        unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
          row[p * kVectors + v] = simd::load(b + p * args.panel_stride + v * kLanes);
          if constexpr (kRows > 1)
            simd::prefetch(b + p * args.panel_stride + v * kLanes + kRowsAhead * kVectors * kLanes);
        });
      });
      unroll<kRows>([&](auto r) __attribute__((always_inline)) {
        const F32x16 value = simd::set(a[r][offset]);
        unroll<kPanels * kVectors>([&](auto v) __attribute__((always_inline)) {
          sums[r][v] = simd::fma(value, row[v], sums[r][v]);
        });
      });
      b += args.b_row;
      offset += args.step;
    }
  }
  if (args.out == nullptr) {
    unroll<kRows>([&](auto r) __attribute__((always_inline)) {
      unroll<kPanels * kVectors>([&](auto v) __attribute__((always_inline)) {
        simd::store(args.sums + (r * kPanels * kVectors + v) * kLanes, sums[r][v]);
      });
    });
    return;
  }
  const F32x16 low = simd::set(args.low);
  const F32x16 high = simd::set(args.high);
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    float* out = args.out + r * args.out_row;
    unroll<kPanels * kVectors>([&](auto v) __attribute__((always_inline)) {
      const F32x16 value = simd::add(sums[r][v], simd::load(args.bias + v * kLanes));
      simd::store(out + v * kLanes, simd::clip(value, low, high));
    });
  });
}

using Multiply = void (*)(const TileArgs&);

template <int kVectors>
struct Tiles {
  Multiply rows[kTileRows + 1] = {};
  constexpr Tiles() {
    unroll<static_cast<int>(kTileRows)>(
        [&](auto r) { rows[r + 1] = multiply<r + 1, kVectors, 1>; });
  }
};

constexpr Tiles<kPanelVectors> kWholeTiles;
constexpr Tiles<1> kNarrowTiles;
// A few rows take several panels at once, so that enough chains hide the latency of an fma.
constexpr size_t kFewRowsPanels[4] = {1, 4, 2, 2};
constexpr Multiply kFewRows[4] = {nullptr, multiply<1, kPanelVectors, 4>,
                                  multiply<2, kPanelVectors, 2>, multiply<3, kPanelVectors, 2>};

// Rows of sums, `width` floats apart, and the place of their first in the block.
struct Sums {
  const float* data;
  size_t width;
  size_t row, rows;
  size_t column, columns;
};

template <ActivationKind kKind>
void finish(const GemmF32Block& block, const Sums& sums) {
  const GemmF32Epilogue& e = block.epilogue;
  const F32x16 alpha = simd::set(e.alpha);
  const F32x16 beta = simd::set(e.beta);
  for (size_t c = 0; c < sums.columns; c += kLanes) {
    const size_t left = sums.columns - c;
    const simd::Mask16 mask = simd::first(left < kLanes ? left : kLanes);
    const size_t column = sums.column + c;
    const F32x16 bias = e.bias != nullptr ? simd::load(e.bias + column, mask) : simd::zero();
    for (size_t r = 0; r < sums.rows; ++r) {
      const auto row = static_cast<ptrdiff_t>(sums.row + r);
      F32x16 value = simd::fma(alpha, simd::load(sums.data + r * sums.width + c), bias);
      if (e.addend != nullptr) {
        const float* at =
            e.addend + row * e.addend_row + static_cast<ptrdiff_t>(column) * e.addend_column;
        value =
            simd::fma(beta, e.addend_column != 0 ? simd::load(at, mask) : simd::set(*at), value);
      }
      value = simd::activate<kKind>(value, e.activation);
      if (e.residual != nullptr)
        value = simd::add(value, simd::load(e.residual + row * e.residual_row + column, mask));
      float* out = block.out + row * block.out_row + column;
      if (left >= kLanes)
        simd::store(out, value);
      else
        simd::store(out, value, mask);
    }
  }
}

// Whether adding the bias and clamping to [low, high] is the whole epilogue.
bool is_clamp(const GemmF32Epilogue& e, float* low, float* high) {
  const ActivationKind kind = e.activation.kind;
  *low = kind == ActivationKind::relu ? 0.0F : -__builtin_inff();
  *high = __builtin_inff();
  if (kind == ActivationKind::clip) {
    *low = e.activation.alpha;
    *high = e.activation.beta;
  }
  return e.alpha == 1.0F && e.addend == nullptr && e.residual == nullptr &&
         (kind == ActivationKind::none || kind == ActivationKind::relu ||
          kind == ActivationKind::clip);
}

void block(const GemmF32Block& block) {
  alignas(64) float sums[kTileRows * kPanel];
  const float* rows[kTileRows];
  const size_t few = block.rows < 4 && block.rows <= block.tile ? block.rows : 0;
  TileArgs args{};
  args.tap_index = block.tap_index;
  args.taps = block.taps;
  args.depth = block.depth;
  args.step = block.a.column;
  args.panel_stride = block.panel_stride;
  args.sums = sums;
  args.pointers_per_tap = block.tile;
  args.out_row = block.out_row;
  const bool clamp = is_clamp(block.epilogue, &args.low, &args.high);
  for (size_t column = 0; column < block.columns;) {
    const size_t left = block.columns - column;
    const size_t panels = left >= kFewRowsPanels[few] * kPanel ? kFewRowsPanels[few] : 1;
    const bool narrow = left <= kPanel - kLanes;
    args.packed = block.packed + column / kPanel * block.panel_stride;
    args.b_row = block.b_row != 0 ? block.b_row : (narrow ? kLanes : kPanel);
    const size_t width = narrow ? kLanes : panels * kPanel;
    for (size_t row = 0; row < block.rows; row += block.tile) {
      const size_t height = block.rows - row < block.tile ? block.rows - row : block.tile;
      if (block.pointers != nullptr) {
        args.pointers = block.pointers + row * block.taps;
      } else {
        for (size_t r = 0; r < height; ++r)
          rows[r] = block.a.data + static_cast<ptrdiff_t>(row + r) * block.a.row;
        args.pointers = rows;
      }
      const Multiply tile = narrow       ? kNarrowTiles.rows[height]
                            : panels > 1 ? kFewRows[few]
                                         : kWholeTiles.rows[height];
      const bool whole = clamp && left >= width;
      args.out = whole ? block.out + static_cast<ptrdiff_t>(row) * block.out_row + column : nullptr;
      args.bias = block.epilogue.bias != nullptr ? block.epilogue.bias + column : kNoBias;
      tile(args);
      if (whole) continue;
      const Sums done{sums, width, row, height, column, left < width ? left : width};
      simd::with_kind(block.epilogue.activation.kind,
                      [&](auto tag) { finish<decltype(tag)::kind>(block, done); });
    }
    column += width;
  }
}

void pack_row(const float* in, ptrdiff_t step, size_t columns, size_t width, float* out) {
  for (size_t c = 0; c < width; ++c)
    out[c] = c < columns ? in[static_cast<ptrdiff_t>(c) * step] : 0.0F;
}

void pack_panel(const MatrixF32& b, size_t depth, size_t columns, size_t width, float* out) {
  if (b.column == 1) {
    for (size_t k = 0; k < depth; ++k, out += width) {
      const float* in = b.data + static_cast<ptrdiff_t>(k) * b.row;
      for (size_t c = 0; c < width; c += kLanes) {
        const size_t left = c < columns ? columns - c : 0;
        simd::store(out + c, simd::load(in + c, simd::first(left < kLanes ? left : kLanes)));
      }
    }
    return;
  }
  size_t k = 0;
  if (b.row == 1) {
    for (; k + 8 <= depth; k += 8) {
      size_t c = 0;
      for (; c + 8 <= columns; c += 8)
        simd::transpose8x8(b.data + static_cast<ptrdiff_t>(c) * b.column + k, b.column,
                           out + k * width + c, static_cast<ptrdiff_t>(width));
      for (size_t i = k; i < k + 8; ++i)
        pack_row(b.data + static_cast<ptrdiff_t>(c) * b.column + i, b.column, columns - c,
                 width - c, out + i * width + c);
    }
  }
  for (; k < depth; ++k)
    pack_row(b.data + static_cast<ptrdiff_t>(k) * b.row, b.column, columns, width, out + k * width);
}

}  // namespace
}  // namespace octet::kernels
