#pragma once

// The register tile of gemm_f32 over F32x16, for every form of a packed B.

#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/simd/functions.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

using simd::F32x16;
using simd::unroll;

constexpr size_t kLanes = 16;
// A tile's sums take 12 of 16 AVX2 registers or 24 of 32 AVX-512 registers.
constexpr int kPanelVectors = simd::kRegisters >= 32 ? 2 : 1;
constexpr size_t kTileRows = simd::kRegisters >= 32 ? 12 : 6;
constexpr size_t kPanel = kPanelVectors * kLanes;
// Rows of a packed B that are asked for before they are needed; addresses past its end do no harm.
constexpr size_t kRowsAhead = 16;

// Rows of stored elements that are widened at a time; codes of one column lie in words of as many.
constexpr size_t kStep = 8;

// What a register tile reads and where it leaves its sums.
struct TileArgs {
  const float* const* pointers;
  size_t pointers_per_tap;
  const uint32_t* tap_index;
  size_t taps;
  size_t depth;
  ptrdiff_t step;
  const void* packed;
  size_t panel_stride;
  size_t b_row;
  size_t group;
  // Where one whole panel is left as floats, [depth][vectors * 16].
  float* wide;
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
using TileSums = F32x16[kRows][kPanels * kVectors];

// Walk down the rows of packed panels: one a form.
struct FloatRows {
  static constexpr WeightForm kForm = WeightForm::f32;
  static constexpr bool kWidens = false;
  using Unit = float;
  FloatRows(const TileArgs& args, size_t tap)
      : at(static_cast<const float*>(args.packed) + tap * args.depth * args.b_row),
        row(args.b_row),
        panel(args.panel_stride) {}
  __attribute__((always_inline)) F32x16 load(size_t p, size_t v) const {
    return simd::load(at + p * panel + v * kLanes);
  }
  __attribute__((always_inline)) void prefetch(size_t p, size_t v, size_t width) const {
    simd::prefetch(at + p * panel + v * kLanes + kRowsAhead * width);
  }
  __attribute__((always_inline)) void next(size_t distance) { at += distance; }
  const float* at;
  size_t row, panel;
};

struct HalfRows {
  static constexpr WeightForm kForm = WeightForm::f16;
  static constexpr bool kWidens = false;
  using Unit = uint16_t;
  HalfRows(const TileArgs& args, size_t /*tap*/)
      : at(static_cast<const uint16_t*>(args.packed)), row(args.b_row), panel(args.panel_stride) {}
  __attribute__((always_inline)) F32x16 load(size_t p, size_t v) const {
    return simd::load_half(at + p * panel + v * kLanes);
  }
  __attribute__((always_inline)) void prefetch(size_t /*p*/, size_t /*v*/, size_t /*width*/) const {
  }
  __attribute__((always_inline)) void next(size_t distance) { at += distance; }
  const uint16_t* at;
  size_t row, panel;
};

// Keeps what it reads of one whole panel as floats, for the tiles behind the first.
template <class Rows>
struct Widening : Rows {
  static constexpr bool kWidens = true;
  Widening(const TileArgs& args, size_t tap) : Rows(args, tap), out(args.wide), width(args.b_row) {}
  __attribute__((always_inline)) F32x16 load(size_t p, size_t v) const {
    const F32x16 value = Rows::load(p, v);
    simd::store(out + v * kLanes, value);
    return value;
  }
  __attribute__((always_inline)) void next(size_t distance) {
    Rows::next(distance);
    out += width;
  }
  float* out;
  size_t width;
};

// Walks down panels of codes, kStep rows at a time.
template <bool kKeepsWide>
struct CodeSteps {
  static constexpr WeightForm kForm = WeightForm::s4;
  using Unit = uint32_t;
  static constexpr bool kWidens = kKeepsWide;
  explicit CodeSteps(const TileArgs& args)
      : words(static_cast<const uint32_t*>(args.packed)),
        scales(
            reinterpret_cast<const float*>(words + (args.depth + kStep - 1) / kStep * args.b_row)),
        row(args.b_row),
        panel(args.panel_stride),
        group(args.group) {}
  __attribute__((always_inline)) const uint32_t* words_of(size_t p, size_t v) const {
    return words + p * panel + v * kLanes;
  }
  __attribute__((always_inline)) F32x16 scale_of(size_t p, size_t v) const {
    return simd::load(scales + p * panel + v * kLanes);
  }
  __attribute__((always_inline)) void next() {
    words += row;
    rows += kStep;
    if (rows < group) return;
    rows = 0;
    scales += row;
  }
  const uint32_t* words;
  const float* scales;
  size_t rows = 0;
  size_t row, panel, group;
};

// Adds the product of a row of B and the elements of A at this offset.
template <int kRows, int kVectors>
__attribute__((always_inline)) inline void add_row(const float* const (&a)[kRows], ptrdiff_t offset,
                                                   const F32x16 (&row)[kVectors],
                                                   F32x16 (&sums)[kRows][kVectors]) {
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    const F32x16 value = simd::set(a[r][offset]);
    unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      sums[r][v] = simd::fma(value, row[v], sums[r][v]);
    });
  });
}

// Elements of A's rows, `length` from their starts.
template <int kRows>
__attribute__((always_inline)) inline void point_past(const float* const (&a)[kRows],
                                                      ptrdiff_t length,
                                                      const float* (&rows)[kRows]) {
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    rows[r] = a[r] + length;
    // Opaque, so that a loop keeps one offset instead of advancing every pointer.
    __asm__("" : "+r"(rows[r]));
  });
}

// Adds the products with all rows of b. When dense, elements of A's rows are neighbours, and so are
// b's rows: a tile of many rows leaves no register for steps.
template <int kRows, int kVectors, int kPanels, bool kDense, class Rows>
__attribute__((always_inline)) inline void add_rows(const TileArgs& args,
                                                    const float* const (&a)[kRows], Rows b,
                                                    TileSums<kRows, kVectors, kPanels>& sums) {
  const ptrdiff_t length = kDense ? static_cast<ptrdiff_t>(args.depth) : 0;
  const float* rows[kRows];
  point_past(a, length, rows);
  ptrdiff_t offset = -length;
  for (size_t k = 0; kDense ? offset != 0 : k < args.depth; ++k) {
    F32x16 row[kPanels * kVectors];
    unroll<kPanels>([&](auto p) __attribute__((always_inline)) {
      unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        row[p * kVectors + v] = b.load(p, v);
        if constexpr (kRows > 1) b.prefetch(p, v, kVectors * kLanes);
      });
    });
    add_row(rows, offset, row, sums);
    b.next(kDense ? kVectors * kLanes : b.row);
    offset += kDense ? 1 : args.step;
  }
}

// Elements [k, k + kStep) of each row of A. A product with -0 leaves every sum as it is.
template <int kRows>
__attribute__((always_inline)) inline void take_step(const TileArgs& args,
                                                     const float* const (&a)[kRows], size_t k,
                                                     float (&out)[kRows][kStep]) {
  const size_t count = args.depth - k < kStep ? args.depth - k : kStep;
  for (size_t r = 0; r < kRows; ++r) {
    const float* from = a[r] + static_cast<ptrdiff_t>(k) * args.step;
    if (args.step == 1 && count == kStep) {
      __builtin_memcpy(out[r], from, sizeof(out[r]));
      continue;
    }
    for (size_t i = 0; i < kStep; ++i)
      out[r][i] = i < count ? from[static_cast<ptrdiff_t>(i) * args.step] : -0.0F;
  }
}

// The products with panels of codes of a few rows of A, which use up a vector of codes before the
// next one,
template <int kRows, int kVectors, int kPanels, class Steps>
__attribute__((always_inline)) inline void add_few_codes(const TileArgs& args,
                                                         const float* const (&a)[kRows], Steps b,
                                                         TileSums<kRows, kVectors, kPanels>& sums) {
  for (size_t k = 0; k < args.depth; k += kStep, b.next()) {
    float step[kRows][kStep];
    take_step(args, a, k, step);
    unroll<kPanels>([&](auto p) __attribute__((always_inline)) {
      unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        simd::multiply_codes<kRows>(b.words_of(p, v), b.scale_of(p, v), step,
                                    &sums[0][p * kVectors + v], kPanels * kVectors);
      });
    });
  }
}

// and of many, row by row of one panel.
template <int kRows, int kVectors, class Steps>
__attribute__((always_inline)) inline void add_codes(const TileArgs& args,
                                                     const float* const (&a)[kRows], Steps b,
                                                     F32x16 (&sums)[kRows][kVectors]) {
  alignas(64) float rows[simd::CodeBlock::kInMemory ? kStep * kVectors * kLanes : 1];
  float* wide = Steps::kWidens ? args.wide : rows;
  const size_t advance = Steps::kWidens ? kStep * kVectors * kLanes : 0;
  const float* starts[kRows];
  point_past(a, 0, starts);
  ptrdiff_t offset = 0;
  for (size_t k = 0; k < args.depth; k += kStep, b.next(), wide += advance) {
    const size_t count = args.depth - k < kStep ? args.depth - k : kStep;
    simd::CodeBlock codes[kVectors];
    unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      codes[v].read(b.words_of(0, v), b.scale_of(0, v), wide + v * kLanes, kVectors * kLanes);
    });
    simd::CodeBlock::each(
        count, [&](auto j) __attribute__((always_inline)) {
          F32x16 row[kVectors];
          unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
            row[v] = codes[v].row(j);
            if constexpr (Steps::kWidens && !simd::CodeBlock::kInMemory)
              simd::store(wide + (j * kVectors + v) * kLanes, row[v]);
          });
          add_row(starts, offset, row, sums);
          offset += args.step;
        });
  }
}

template <class Rows, int kRows, int kVectors, int kPanels>
void multiply(const TileArgs& args) {
  TileSums<kRows, kVectors, kPanels> sums;
  unroll<kRows>([&](auto r) __attribute__((always_inline)) {
    unroll<kPanels * kVectors>([&](auto v)
                                   __attribute__((always_inline)) { sums[r][v] = simd::zero(); });
  });
  for (size_t tap = 0; tap < args.taps; ++tap) {
    const float* a[kRows];
    unroll<kRows>([&](auto r) __attribute__((always_inline)) {
      a[r] = args.pointers[tap * args.pointers_per_tap + static_cast<size_t>(r.value)];
    });
    if constexpr (Rows::kForm != WeightForm::s4) {
      const Rows b(args, args.tap_index != nullptr ? args.tap_index[tap] : tap);
      if (kPanels == 1 && args.step == 1 && args.b_row == kVectors * kLanes)
        add_rows<kRows, kVectors, kPanels, true>(args, a, b, sums);
      else
        add_rows<kRows, kVectors, kPanels, false>(args, a, b, sums);
    }
    if constexpr (Rows::kForm == WeightForm::s4 && kRows <= 3)
      add_few_codes<kRows, kVectors, kPanels>(args, a, Rows(args), sums);
    else if constexpr (Rows::kForm == WeightForm::s4)
      add_codes<kRows, kVectors>(args, a, Rows(args), sums);
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

// Widening is for tiles of more rows, which others follow.
constexpr int kMostFewRows = 3;

// Rows of the tile that multiplies `rows` of them. Forms that are widened as they are read have
// tiles of a few heights: in others rows repeat.
template <class Rows>
constexpr int tile_height(int rows) {
  if (Rows::kForm == WeightForm::f32) return rows;
  constexpr int kHeights[] = {1, 2, 3, 4, 6, 8};
  for (const int height : kHeights)
    if (rows <= height && (height > kMostFewRows || !Rows::kWidens)) return height;
  return static_cast<int>(kTileRows);
}

template <class Rows, int kVectors>
struct Tiles {
  Multiply rows[kTileRows + 1] = {};
  constexpr Tiles() {
    unroll<static_cast<int>(kTileRows)>(
        [&](auto r) { rows[r + 1] = multiply<Rows, tile_height<Rows>(r + 1), kVectors, 1>; });
  }
};

template <class Rows>
constexpr Tiles<Rows, kPanelVectors> kWholeTiles;
template <class Rows>
constexpr Tiles<Rows, 1> kNarrowTiles;
// A few rows take several panels at once, so that enough chains hide the latency of an fma; three
// rows of halfs leave no AVX2 register for a second panel.
template <class Rows>
constexpr int kFewRowsPanels[4] = {1, 4, 2,
                                   simd::kRegisters < 32 && Rows::kForm == WeightForm::f16 ? 1 : 2};
template <class Rows>
constexpr Multiply kFewRows[4] = {nullptr,
                                  multiply<Rows, 1, kPanelVectors, kFewRowsPanels<Rows>[1]>,
                                  multiply<Rows, 2, kPanelVectors, kFewRowsPanels<Rows>[2]>,
                                  multiply<Rows, 3, kPanelVectors, kFewRowsPanels<Rows>[3]>};

}  // namespace
}  // namespace octet::kernels
