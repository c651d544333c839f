// Output rows of 3x3 kernels column by column: what a column adds to the sums of its three outputs
// stays in registers. Included inside an anonymous namespace after driver.inl.

template <typename Kit>
bool fits_window(const Task& t) {
  return has_window(t.s) && t.s.dilation_w == 1 && t.s.stride_w <= 2 &&
         (Kit::kTakesZeros || !t.has_zeros);
}

/// One row of a block's outputs. Whoever computes it works on a copy of its own: stores of codes
/// may write to any object that isn't local, and what is read from those would have to wait for
/// them.
template <typename Kit, bool kWhole>
class Window {
 public:
  explicit Window(const Block<Kit, kWhole>& block)
      : b_(block),
        weights_(block.weights_),
        padding_(block.t_.padding),
        flip_(block.t_.flip),
        from_(static_cast<ptrdiff_t>(block.t_.first_column())),
        width_(static_cast<ptrdiff_t>(block.t_.s.in_w)),
        first_(block.t_.begin),
        outputs_(block.t_.end - block.t_.begin),
        out_(static_cast<uint8_t*>(block.t_.target.out) +
             block.pixel(first_) * block.t_.target.out_stride + block.first_),
        out_stride_(block.t_.target.out_stride),
        ends_(block.ends_),
        slope_(block.slope_) {
    for (size_t i = 0; i < 3; ++i) {
      const uint8_t* row = block.t_.row(i, block.first_);
      row_[i] = row != nullptr ? row : padding_;
      step_[i] = row != nullptr ? block.t_.stride : 0;
    }
    for (int v = 0; v < kVectors; ++v) {
      offset_[v] = block.offset_[v];
      multiplier_[v] = block.multiplier_[v];
      bias_[v] = block.bias_[v];
    }
  }

  void run() const {
    const bool dense = b_.t_.s.stride_w == 1;
    if (b_.t_.plain)
      dense ? run_dense<true>(*this) : run_halved<true>(*this);
    else
      dense ? run_dense<false>(*this) : run_halved<false>(*this);
  }

 private:
  using Int = typename Kit::Int;
  static constexpr int kVectors = static_cast<int>(Kit::kVectors);
  static constexpr bool kPairs = Kit::kGroup == 2;
  using Sums = Int[kVectors];

  /// The codes of one column: all three rows, or, in pairs, the upper two in `rows` and the last
  /// one with its right neighbour in `last`.
  struct Codes {
    Int rows[kVectors], last[kPairs ? kVectors : 1];
  };

  /// The columns of [2, end) that are inside, and their right neighbours too, end before this one.
  size_t inside(size_t end) const {
    const ptrdiff_t last = width_ - from_ - 1;
    return from_ < -2 || last < 0 ? 0 : smaller(end, static_cast<size_t>(last));
  }

  /// What a row has at a column; kInside: it isn't in the padding.
  template <bool kInside>
  inline __attribute__((always_inline)) const uint8_t* tap(size_t row, ptrdiff_t column) const {
    const ptrdiff_t x = from_ + column;
    if (!kInside && (x < 0 || x >= width_)) return padding_;
    return row_[row] + static_cast<size_t>(x) * step_[row];
  }

  template <bool kInside = false>
  inline __attribute__((always_inline)) void load(size_t column, Codes& codes) const {
    const auto c = static_cast<ptrdiff_t>(column);
    if constexpr (kPairs) {
      const uint8_t* const upper[2] = {tap<kInside>(0, c), tap<kInside>(1, c)};
      const uint8_t* const last[2] = {tap<kInside>(2, c), tap<kInside>(2, c + 1)};
      Kit::template interleave<kWhole>(upper, b_.count_, flip_, codes.rows);
      Kit::template interleave<kWhole>(last, b_.count_, flip_, codes.last);
    } else {
      // The fourth weight is 0.
      const uint8_t* const taps[4] = {tap<kInside>(0, c), tap<kInside>(1, c), tap<kInside>(2, c),
                                      tap<kInside>(2, c)};
      Kit::template interleave<kWhole>(taps, b_.count_, flip_, codes.rows);
    }
  }

  inline __attribute__((always_inline)) Int weight(int group, int v) const {
    return Kit::load(weights_ + (group * kVectors + v) * sizeof(Int));
  }

  /// Adds what the codes are to the output whose tap `kTap` of each row they are.
  template <int kTap>
  inline __attribute__((always_inline)) void add(const Codes& codes, Sums& sums) const {
    simd::unroll<kVectors>([&](auto v) {
      sums[v] = Kit::dot(sums[v], codes.rows[v], weight(kTap, v));
      if constexpr (kPairs && kTap == 0) sums[v] = Kit::dot(sums[v], codes.last[v], weight(3, v));
      if constexpr (kPairs && kTap == 2) sums[v] = Kit::dot(sums[v], codes.last[v], weight(4, v));
    });
  }
  inline __attribute__((always_inline)) void begin(Sums& sums) const {
    simd::unroll<kVectors>([&](auto v) { sums[v] = offset_[v]; });
  }

  /// Output `index` of the row.
  template <bool kPlain>
  inline __attribute__((always_inline)) void finish(size_t index, const Sums& sums) const {
    if constexpr (kPlain) {
      Int scaled[kVectors];
      simd::unroll<kVectors>([&](auto v) {
        scaled[v] = slope_ == 0.0F
                        ? Kit::scaled(sums[v], multiplier_[v], bias_[v])
                        : Kit::swished(sums[v], multiplier_[v], bias_[v], Kit::set_float(slope_));
      });
      Kit::template store_codes<kWhole>(ends_, scaled, out_ + index * out_stride_,
                                        kWhole ? Kit::kChannels : b_.count_);
    } else {
      b_.template finish_output<false>(first_ + index, sums);
    }
  }

  /// Column `column` begins `first`, goes on with `second` and ends `third`.
  template <bool kPlain, bool kInside = false>
  inline __attribute__((always_inline)) void slide(size_t column, Sums& first, Sums& second,
                                                   Sums& third) const {
    Codes codes;
    load<kInside>(column, codes);
    begin(first);
    add<0>(codes, first);
    add<1>(codes, second);
    add<2>(codes, third);
    finish<kPlain>(column - 2, third);
  }

  template <bool kPlain>
  __attribute__((noinline)) static void run_dense(const Window& row) {
    const Window w = row;
    Sums a, b, c;
    Codes codes;
    w.load(0, codes);
    w.begin(a);
    w.template add<0>(codes, a);
    w.load(1, codes);
    w.begin(b);
    w.template add<0>(codes, b);
    w.template add<1>(codes, a);
    const size_t end = w.outputs_ + 2;
    size_t column = 2;
    for (const size_t inside = w.inside(end); column + 3 <= inside; column += 3) {
      w.template slide<kPlain, true>(column, c, b, a);
      w.template slide<kPlain, true>(column + 1, a, c, b);
      w.template slide<kPlain, true>(column + 2, b, a, c);
    }
    for (; column + 3 <= end; column += 3) {
      w.template slide<kPlain>(column, c, b, a);
      w.template slide<kPlain>(column + 1, a, c, b);
      w.template slide<kPlain>(column + 2, b, a, c);
    }
    if (column < end) w.template slide<kPlain>(column, c, b, a);
    if (column + 1 < end) w.template slide<kPlain>(column + 1, a, c, b);
  }

  /// Columns 2 * index + 1 and + 2, which ends output `index` and begins the next one.
  template <bool kPlain, bool kInside = false>
  inline __attribute__((always_inline)) void halve(size_t index, Sums& sums) const {
    Sums next;
    Codes codes;
    load<kInside>(2 * index + 1, codes);
    add<1>(codes, sums);
    load<kInside>(2 * index + 2, codes);
    add<2>(codes, sums);
    begin(next);
    add<0>(codes, next);
    finish<kPlain>(index, sums);
    simd::unroll<kVectors>([&](auto v) { sums[v] = next[v]; });
  }

  /// Strides of 2.
  template <bool kPlain>
  __attribute__((noinline)) static void run_halved(const Window& row) {
    const Window w = row;
    Sums sums;
    Codes codes;
    w.load(0, codes);
    w.begin(sums);
    w.template add<0>(codes, sums);
    w.template halve<kPlain>(0, sums);
    size_t out = 1;
    for (const size_t inside = w.inside(2 * w.outputs_ + 1); 2 * out + 2 < inside; ++out)
      w.template halve<kPlain, true>(out, sums);
    for (; out < w.outputs_; ++out) w.template halve<kPlain>(out, sums);
  }

  const Block<Kit, kWhole>& b_;
  const uint8_t *weights_, *padding_;
  uint8_t flip_;
  ptrdiff_t from_, width_;  // the input column of column 0
  size_t first_, outputs_;  // the row's first output
  uint8_t* out_;
  size_t out_stride_;
  typename Kit::Ends ends_;
  float slope_;
  Int offset_[kVectors];
  typename Kit::Float multiplier_[kVectors], bias_[kVectors];
  const uint8_t* row_[3];
  size_t step_[3];
};
