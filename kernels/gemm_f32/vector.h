#pragma once

// gemm_f32 over F32x16, included once by each instruction set's file.

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_f32/tile.h"
#include "kernels/simd/transpose.h"

namespace octet::kernels {
namespace {

using simd::Index;

constexpr size_t kMostPanels = 4;
constexpr float kNoBias[kMostPanels * kPanel] = {};

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

template <class Rows>
void block_of(const GemmF32Block& block, float* wide = nullptr) {
  alignas(64) float sums[kTileRows * kPanel];
  const float* rows[kTileRows];
  const size_t few = block.rows <= kMostFewRows && block.rows <= block.tile ? block.rows : 0;
  TileArgs args{};
  args.tap_index = block.tap_index;
  args.taps = block.taps;
  args.depth = block.depth;
  args.step = block.a.column;
  args.panel_stride = block.panel_stride;
  args.group = block.format.group;
  args.wide = wide;
  args.sums = sums;
  args.pointers_per_tap = block.tile;
  args.out_row = block.out_row;
  const bool clamp = is_clamp(block.epilogue, &args.low, &args.high);
  for (size_t column = 0; column < block.columns;) {
    const size_t left = block.columns - column;
    const auto at_once = static_cast<size_t>(kFewRowsPanels<Rows>[few]);
    const size_t panels = left >= at_once * kPanel ? at_once : 1;
    const bool narrow = left <= kPanel - kLanes;
    args.packed = static_cast<const typename Rows::Unit*>(block.packed) +
                  column / kPanel * block.panel_stride;
    args.b_row = block.b_row != 0 ? block.b_row : (narrow ? kLanes : kPanel);
    const size_t width = narrow ? kLanes : panels * kPanel;
    for (size_t row = 0; row < block.rows; row += block.tile) {
      const size_t height = block.rows - row < block.tile ? block.rows - row : block.tile;
      if (block.pointers != nullptr) {
        args.pointers = block.pointers + row * block.taps;
      } else {
        for (size_t r = 0; r < kTileRows; ++r)
          rows[r] = block.a.data +
                    static_cast<ptrdiff_t>(row + (r < height ? r : height - 1)) * block.a.row;
        args.pointers = rows;
      }
      Multiply tile = kWholeTiles<Rows>.rows[height];
      if constexpr (!Rows::kWidens) {
        if (narrow) tile = kNarrowTiles<Rows>.rows[height];
        if (panels > 1) tile = kFewRows<Rows>[few];
      }
      const bool repeats = tile_height<Rows>(static_cast<int>(height)) > static_cast<int>(height);
      const bool whole = clamp && left >= width && !repeats;
      args.out = whole ? block.out + static_cast<ptrdiff_t>(row) * block.out_row + column : nullptr;
      args.bias = block.epilogue.bias != nullptr ? block.epilogue.bias + column : kNoBias;
      tile(args);
      if (whole) continue;
      const Sums done{sums, width, row, height, column, left < width ? left : width};
      simd::with_kind(block.epilogue.activation.kind,
                      [&](auto tag) { finish<decltype(tag)::kValue>(block, done); });
    }
    column += width;
  }
}

// What is widened at once lies on the stack.
constexpr size_t kWideDepth = 1024;

// The block from this row and column on: so many rows, at most one panel.
GemmF32Block part_of(const GemmF32Block& block, size_t row, size_t rows, size_t column) {
  GemmF32Block part = block;
  const auto down = static_cast<ptrdiff_t>(row);
  const auto right = static_cast<ptrdiff_t>(column);
  part.a.data += down * block.a.row;
  part.rows = rows;
  part.columns = block.columns - column < kPanel ? block.columns - column : kPanel;
  part.out += down * block.out_row + right;
  GemmF32Epilogue& e = part.epilogue;
  if (e.bias != nullptr) e.bias += right;
  if (e.addend != nullptr) e.addend += down * e.addend_row + right * e.addend_column;
  if (e.residual != nullptr) e.residual += down * e.residual_row + right;
  return part;
}

// Panel by panel: the first tile widens, the others read what it left. No tile of a narrow panel
// does.
template <class Rows, class Wide>
__attribute__((noinline)) void widened_block_of(const GemmF32Block& block) {
  alignas(64) float wide[kWideDepth * kPanel];
  for (size_t column = 0; column < block.columns; column += kPanel) {
    const bool narrow = block.columns - column <= kPanel - kLanes;
    GemmF32Block first = part_of(block, 0, narrow ? block.rows : block.tile, column);
    first.packed = static_cast<const typename Wide::Unit*>(block.packed) +
                   column / kPanel * block.panel_stride;
    if (narrow) return block_of<Rows>(first);
    block_of<Wide>(first, wide);
    GemmF32Block rest = part_of(block, block.tile, block.rows - block.tile, column);
    rest.format = {};
    rest.packed = wide;
    block_of<FloatRows>(rest);
  }
}

template <class Rows, class Wide>
void stored_block_of(const GemmF32Block& block) {
  // Tiles of fewer rows may take several panels at once.
  const bool one_panel = block.tile > kMostFewRows;
  const bool wide = one_panel && block.depth <= kWideDepth && block.rows > block.tile;
  return wide ? widened_block_of<Rows, Wide>(block) : block_of<Rows>(block);
}

void block(const GemmF32Block& part) {
  switch (part.format.form) {
    case WeightForm::f32: return block_of<FloatRows>(part);
    case WeightForm::f16: return stored_block_of<HalfRows, Widening<HalfRows>>(part);
    case WeightForm::s4: return stored_block_of<CodeSteps<false>, CodeSteps<true>>(part);
  }
}

// Nibble of row `row` of 8 and column `column` of `kLanes` in the words of these columns.
size_t code_place(size_t row, size_t column) { return simd::code_place(row, column); }

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
