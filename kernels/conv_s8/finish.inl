// ConvEpilogue over sixteen lanes. Included inside an anonymous namespace, after a lanes
// file and slots.inl.

/// Sixteen output channels: `count` of them from channel `first` on.
struct Columns {
  size_t first, count;
  Ints offset;  // added to the raw sums: the bias, and what the kernel's own offsets ask for
  Floats multiplier, bias;
};

inline Columns columns_at(const ConvEpilogue& e, size_t first, size_t count) {
  Columns c{first, count, set_ints(0), set_floats(0.0F), set_floats(0.0F)};
  if (e.bias != nullptr) c.offset = load_ints(e.bias + first, count);
  if (e.multiplier != nullptr) c.multiplier = load_floats(e.multiplier + first, count);
  if (e.bias_f32 != nullptr) c.bias = load_floats(e.bias_f32 + first, count);
  return c;
}

/// Whether codes come of scaled sums by rounding and clamping alone.
inline bool ends_in_codes(const ConvEpilogue& e) {
  return (e.out == Element::u8 || e.out == Element::s8) && e.table == nullptr;
}

/// How v of ConvEpilogue comes of sums, what is named after `biased` with a bias_f32 of maybe 0.
/// `bare` is `biased` where codes are all those of u8, from a zero point of 0 on. All but `any` are
/// for codes whose v stays within int32 whatever the sums are.
enum class Scaling { bare, plain, biased, residual, swished, any };

// 0.99 * 2^31 + 2^24 + 255 * 2^14 < 2^31.
inline constexpr float kMostMultiplier = 0.99F, kMostBias = 0x1p24F, kMostResidual = 0x1p14F;

inline bool all_below(const float* values, size_t count, float limit) {
  bool below = true;
  for (size_t i = 0; values != nullptr && i < count; i += 16)
    below = below && all_below(load_floats(values + i, smaller(16, count - i)), limit);
  return below;
}

inline Scaling scaling_of(const ConvShape& shape, const ConvEpilogue& e) {
  const bool swished = e.swish_slope != 0.0F, residual = e.residual != nullptr;
  if (!ends_in_codes(e) || (swished && residual) ||
      !all_below(e.multiplier, shape.out_channels, kMostMultiplier) ||
      !all_below(e.bias_f32, shape.out_channels, kMostBias) ||
      (residual && !(__builtin_fabsf(e.residual_multiplier) < kMostResidual)))
    return Scaling::any;
  if (swished) return Scaling::swished;
  if (residual) return Scaling::residual;
  const bool whole = e.out == Element::u8 && e.low <= 0.0F && e.high >= 255.0F;
  if (whole && e.zero_point == 0) return Scaling::bare;
  return e.bias_f32 != nullptr ? Scaling::biased : Scaling::plain;
}

/// f(ScalingIs<scaling>{}).
template <Scaling kScaling>
struct ScalingIs {
  static constexpr Scaling value = kScaling;
};
template <typename F>
inline __attribute__((always_inline)) void with_scaling(Scaling scaling, F f) {
  switch (scaling) {
    case Scaling::bare: return f(ScalingIs<Scaling::bare>{});
    case Scaling::plain: return f(ScalingIs<Scaling::plain>{});
    case Scaling::biased: return f(ScalingIs<Scaling::biased>{});
    case Scaling::residual: return f(ScalingIs<Scaling::residual>{});
    case Scaling::swished: return f(ScalingIs<Scaling::swished>{});
    case Scaling::any: return f(ScalingIs<Scaling::any>{});
  }
}

/// Where a call writes, with the strides resolved.
struct Target {
  const ConvEpilogue* epilogue;
  void* out;
  size_t out_stride, residual_stride;
  Scaling scaling;
};

inline Target target_of(const ConvShape& shape, const ConvIo& io, const ConvEpilogue& e) {
  return {&e, io.out, io.out_stride == 0 ? shape.out_channels : io.out_stride,
          e.residual_stride == 0 ? shape.out_channels : e.residual_stride, scaling_of(shape, e)};
}

/// The end of u8 and s8 codes for kernels that narrow by saturating packs: a rounded value gets
/// `zero` as s16, saturates to u8, is held within [low, high], and is xored with `flip`.
struct CodeEnds {
  int32_t zero = 0;
  uint8_t low = 0, high = 0, flip = 0;

  explicit CodeEnds(const ConvEpilogue& e) {
    if (e.out != Element::u8 && e.out != Element::s8) return;
    const int32_t shift = e.out == Element::s8 ? 128 : 0;
    zero = e.zero_point + shift;
    low = static_cast<uint8_t>(static_cast<int32_t>(e.low) + shift);
    high = static_cast<uint8_t>(static_cast<int32_t>(e.high) + shift);
    flip = static_cast<uint8_t>(shift);
  }
};

inline Ints to_codes(const ConvEpilogue& e, Floats v) {
  // Rounding keeps the order, so clamping to whole numbers may come first.
  const auto zero = static_cast<float>(e.zero_point);
  v = min(max(v, set_floats(e.low - zero)), set_floats(e.high - zero));
  return add(to_ints(v), set_ints(e.zero_point));
}

/// v of ConvEpilogue for `count` columns of one pixel, from sums that have the columns' offset.
template <Scaling kScaling = Scaling::any>
inline __attribute__((always_inline)) Floats scaled(const ConvEpilogue& e, size_t residual_stride,
                                                    const Columns& c, size_t count, size_t pixel,
                                                    Ints sum) {
  constexpr bool kAny = kScaling == Scaling::any;
  Floats v = mul(to_floats(sum), c.multiplier);
  if constexpr (kScaling != Scaling::plain) v = add(v, c.bias);
  if (kScaling == Scaling::residual || (kAny && e.residual != nullptr)) {
    const auto* residual =
        static_cast<const uint8_t*>(e.residual) + pixel * residual_stride + c.first;
    const uint8_t flip = e.residual_signed ? 0x80 : 0;  // to codes of u8, and their zero point
    const Ints code = sub(load_flipped_codes(residual, flip, count),
                          set_ints(e.residual_zero_point + static_cast<int32_t>(flip)));
    v = add(v, mul(to_floats(code), set_floats(e.residual_multiplier)));
  }
  if (kScaling == Scaling::swished || (kAny && e.swish_slope != 0.0F)) {
    const Floats gate = add(mul(v, set_floats(e.swish_slope)), set_floats(0.5F));
    v = mul(v, min(max(gate, set_floats(0.0F)), set_floats(1.0F)));
  }
  return v;
}

/// Writes the columns of one pixel from its raw sums.
inline void finish(const Target& t, const Columns& c, size_t pixel, Ints raw) {
  const ConvEpilogue& e = *t.epilogue;
  const size_t at = pixel * t.out_stride + c.first;
  if (e.out == Element::s32) {
    store_ints(static_cast<int32_t*>(t.out) + at, c.count, add(raw, c.offset));
    return;
  }
  Floats v = scaled(e, t.residual_stride, c, c.count, pixel, add(raw, c.offset));
  if (e.out == Element::f32) {
    v = min(max(v, set_floats(e.low)), set_floats(e.high));
    store_floats(static_cast<float*>(t.out) + at, c.count, v);
    return;
  }
  auto* to = static_cast<uint8_t*>(t.out) + at;
  store_codes(to, c.count, to_codes(e, v));
  if (e.table != nullptr)
    for (size_t i = 0; i < c.count; ++i) to[i] = e.table[to[i]];
}

/// Where a row of a tile lies: among all rows of activations, and its output. What ends tiles is a
/// class with
///   offset(block)    what the sums of a block begin with
///   Row row(at, sums)    a row's sums to what is stored
///   store(at, row)   once no other row of the tile needs registers for its constants
///   kPacksRows       whether rows(at, sums) and store_rows(at, rows) take as many rows at once as
///                    CodePacker::kTogether says
///   kPaysDeep        whether tiles of many rows for large depths are worth their code
///   kInRegisters     whether it is worth its code where sums are made; else end_tile() may do it
struct RowAt {
  size_t row, pixel;
};

/// The rows of a tile: outputs `step` pixels apart.
struct RowsAt {
  size_t row, pixel, step;
  inline __attribute__((always_inline)) RowAt operator[](size_t r) const {
    return {row + r, pixel + r * step};
  }
  inline __attribute__((always_inline)) RowsAt from(size_t r) const {
    return {row + r, pixel + r * step, step};
  }
};

/// Rows of activations by blocks of columns, `block_bytes` apart.
struct Product {
  const uint8_t* a;
  size_t a_stride, rows;
  const Depths& depths;
  const int8_t* weights;
  size_t block_bytes;
  RowsAt at;

  Product from(size_t row, size_t count) const {
    return {a + row * a_stride, a_stride, count, depths, weights, block_bytes, at.from(row)};
  }
};

/// An end that leaves sums in memory, without offsets: rows of kBlocks blocks.
template <int kBlocks>
struct TileEnd {
  static constexpr bool kPacksRows = false;
  struct Row {
    Ints of[kBlocks];
  };
  int32_t* tile;
  size_t first;

  inline __attribute__((always_inline)) Ints offset(int /*block*/) const { return set_ints(0); }
  inline __attribute__((always_inline)) Row row(const RowAt& /*at*/,
                                                const Ints (&sums)[kBlocks]) const {
    Row row;
    simd::unroll<kBlocks>([&](auto b) __attribute__((always_inline)) { row.of[b] = sums[b]; });
    return row;
  }
  inline __attribute__((always_inline)) void store(const RowAt& at, const Row& row) const {
    int32_t* to = tile + (at.row - first) * kBlocks * 16;
    simd::unroll<kBlocks>([&](auto b) __attribute__((always_inline)) {
      store_ints(to + b * 16, 16, row.of[b]);
    });
  }
};

/// Ends a tile of sums in memory that lack the offsets.
template <int kBlocks, typename End>
__attribute__((noinline)) void end_tile(const int32_t* tile, size_t rows, const RowsAt& at,
                                        const End& given) {
  // Stores of codes may write to any object that isn't local.
  const End end = given;
  for (size_t r = 0; r < rows; ++r, tile += kBlocks * 16) {
    Ints sums[kBlocks];
    for (int b = 0; b < kBlocks; ++b) sums[b] = add(load_ints(tile + b * 16, 16), end.offset(b));
    end.store(at[r], end.row(at[r], sums));
  }
}
