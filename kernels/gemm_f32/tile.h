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

// The shift of the first of a word's eight codes; each next one takes 4 less.
constexpr int kFirstNibble = 28;

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
  // Where Widening leaves the panel, [depth][vectors * 16].
  float* wide;
  // [rows][vectors * 16], for `finish`.
  float* sums;
  // Where the results go when bias and clamp are all there is to do.
  float* out;
  ptrdiff_t out_row;
  const float* bias;
  float low, high;
};

// Walk down the rows of packed panels: one a form.
struct FloatRows {
  static constexpr WeightForm kForm = WeightForm::f32;
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
  __attribute__((always_inline)) void next() { at += row; }
  const float* at;
  size_t row, panel;
};

struct HalfRows {
  static constexpr WeightForm kForm = WeightForm::f16;
  using Unit = uint16_t;
  HalfRows(const TileArgs& args, size_t /*tap*/)
      : at(static_cast<const uint16_t*>(args.packed)), row(args.b_row), panel(args.panel_stride) {}
  __attribute__((always_inline)) F32x16 load(size_t p, size_t v) const {
    return simd::load_half(at + p * panel + v * kLanes);
  }
  __attribute__((always_inline)) void prefetch(size_t /*p*/, size_t /*v*/, size_t /*width*/) const {
  }
  __attribute__((always_inline)) void next() { at += row; }
  const uint16_t* at;
  size_t row, panel;
};

struct CodeRows {
  static constexpr WeightForm kForm = WeightForm::s4;
  using Unit = uint32_t;
  CodeRows(const TileArgs& args, size_t /*tap*/)
      : words(static_cast<const uint32_t*>(args.packed)),
        scales(reinterpret_cast<const float*>(words + (args.depth + 7) / 8 * args.b_row)),
        row(args.b_row),
        panel(args.panel_stride),
        group(args.group) {}
  __attribute__((always_inline)) F32x16 load(size_t p, size_t v) const {
    return simd::mul(simd::load_nibble(words + p * panel + v * kLanes, shift),
                     simd::load(scales + p * panel + v * kLanes));
  }
  __attribute__((always_inline)) void prefetch(size_t /*p*/, size_t /*v*/, size_t /*width*/) const {
  }
  __attribute__((always_inline)) void next() {
    shift -= 4;
    if (shift >= 0) return;
    shift = kFirstNibble;
    words += row;
    rows += 8;
    if (rows < group) return;
    rows = 0;
    scales += row;
  }
  const uint32_t* words;
  const float* scales;
  int shift = kFirstNibble;
  size_t rows = 0;
  size_t row, panel, group;
};

// Keeps what it reads of one whole panel as floats, for the tiles behind the first.
template <class Rows>
struct Widening : Rows {
  Widening(const TileArgs& args, size_t tap) : Rows(args, tap), out(args.wide), width(args.b_row) {}
  __attribute__((always_inline)) F32x16 load(size_t p, size_t v) const {
    const F32x16 value = Rows::load(p, v);
    simd::store(out + v * kLanes, value);
    return value;
  }
  __attribute__((always_inline)) void next() {
    Rows::next();
    out += width;
  }
  float* out;
  size_t width;
};

// Sums of kRows rows by kPanels panels of kVectors vectors.
template <class Rows, int kRows, int kVectors, int kPanels>
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
    Rows b(args, args.tap_index != nullptr ? args.tap_index[tap] : tap);
    ptrdiff_t offset = 0;
    for (size_t k = 0; k < args.depth; ++k) {
      F32x16 row[kPanels * kVectors];
      unroll<kPanels>([&](auto p) __attribute__((always_inline)) {
        unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
          row[p * kVectors + v] = b.load(p, v);
          if constexpr (kRows > 1) b.prefetch(p, v, kVectors * kLanes);
        });
      });
      unroll<kRows>([&](auto r) __attribute__((always_inline)) {
        const F32x16 value = simd::set(a[r][offset]);
        unroll<kPanels * kVectors>([&](auto v) __attribute__((always_inline)) {
          sums[r][v] = simd::fma(value, row[v], sums[r][v]);
        });
      });
      b.next();
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

template <class Rows, int kVectors>
struct Tiles {
  Multiply rows[kTileRows + 1] = {};
  constexpr Tiles() {
    unroll<static_cast<int>(kTileRows)>(
        [&](auto r) { rows[r + 1] = multiply<Rows, r + 1, kVectors, 1>; });
  }
};

template <class Rows>
constexpr Tiles<Rows, kPanelVectors> kWholeTiles;
template <class Rows>
constexpr Tiles<Rows, 1> kNarrowTiles;
// A few rows take several panels at once, so that enough chains hide the latency of an fma.
constexpr size_t kFewRowsPanels[4] = {1, 4, 2, 2};
template <class Rows>
constexpr Multiply kFewRows[4] = {nullptr, multiply<Rows, 1, kPanelVectors, 4>,
                                  multiply<Rows, 2, kPanelVectors, 2>,
                                  multiply<Rows, 3, kPanelVectors, 2>};

}  // namespace
}  // namespace octet::kernels
