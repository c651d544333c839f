#include "kernels/simd/scalar.h"

#include <algorithm>
#include <cmath>

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/half.h"

namespace octet::kernels {
namespace {

constexpr size_t kPanel = 8;
constexpr size_t kTileRows = 4;

const float* row_of_tap(const GemmF32Block& block, size_t row, size_t tap) {
  if (block.pointers == nullptr) return block.a.data + static_cast<ptrdiff_t>(row) * block.a.row;
  const size_t tile = row / block.tile;
  return block.pointers[(tile * block.taps + tap) * block.tile + row % block.tile];
}

// Element k of a column of a packed B.
float element(const GemmF32Block& block, size_t column, size_t k) {
  const size_t panel = column / kPanel * block.panel_stride;
  const size_t lane = column % kPanel;
  if (block.format.form == WeightForm::f16)
    return to_float(static_cast<const Half*>(block.packed)[panel + k * kPanel + lane]);
  if (block.format.form == WeightForm::f32)
    return static_cast<const float*>(
        block.packed)[panel + k * (block.b_row != 0 ? block.b_row : kPanel) + lane];
  const uint32_t* words = static_cast<const uint32_t*>(block.packed) + panel;
  const auto* scales = reinterpret_cast<const float*>(words + (block.depth + 7) / 8 * kPanel);
  const uint32_t code = words[k / 8 * kPanel + lane] >> (k % 8 * 4) & 0xFU;
  return static_cast<float>(static_cast<int>(code ^ 8U) - 8) *
         scales[k / block.format.group * kPanel + lane];
}

float dot(const GemmF32Block& block, size_t row, size_t column) {
  float sum = 0.0F;
  for (size_t tap = 0; tap < block.taps; ++tap) {
    const float* a = row_of_tap(block, row, tap);
    const size_t first = (block.tap_index != nullptr ? block.tap_index[tap] : tap) * block.depth;
    for (size_t k = 0; k < block.depth; ++k)
      sum = std::fma(a[static_cast<ptrdiff_t>(k) * block.a.column],
                     element(block, column, first + k), sum);
  }
  return sum;
}

float finish(const GemmF32Epilogue& epilogue, float sum, size_t row, size_t column) {
  const auto i = static_cast<ptrdiff_t>(row);
  const auto j = static_cast<ptrdiff_t>(column);
  float value = std::fma(epilogue.alpha, sum, epilogue.bias != nullptr ? epilogue.bias[j] : 0.0F);
  if (epilogue.addend != nullptr) {
    const float addend = epilogue.addend[i * epilogue.addend_row + j * epilogue.addend_column];
    value = std::fma(epilogue.beta, addend, value);
  }
  value = simd::activate(value, epilogue.activation);
  if (epilogue.residual != nullptr) value += epilogue.residual[i * epilogue.residual_row + j];
  return value;
}

void block(const GemmF32Block& block) {
  for (size_t row = 0; row < block.rows; ++row)
    for (size_t column = 0; column < block.columns; ++column)
      block.out[static_cast<ptrdiff_t>(row) * block.out_row + static_cast<ptrdiff_t>(column)] =
          finish(block.epilogue, dot(block, row, column), row, column);
}

void pack_panel(const MatrixF32& b, size_t depth, size_t columns, size_t width, float* out) {
  for (size_t k = 0; k < depth; ++k)
    for (size_t c = 0; c < width; ++c)
      out[k * width + c] =
          c < columns
              ? b.data[static_cast<ptrdiff_t>(k) * b.row + static_cast<ptrdiff_t>(c) * b.column]
              : 0.0F;
}

size_t code_place(size_t row, size_t column) { return column * 8 + row; }

}  // namespace

extern const GemmF32Table gemm_f32_scalar;
const GemmF32Table gemm_f32_scalar = {kPanel, kPanel, kTileRows, block, pack_panel, code_place};

}  // namespace octet::kernels
