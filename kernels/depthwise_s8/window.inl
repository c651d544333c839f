// Output rows of 3x3 kernels column by column. Included inside an anonymous namespace after
// driver.inl.

template <typename Kit>
bool fits_window(const Task& t) {
  return has_window(t.s) && t.s.dilation_w == 1 && t.s.stride_w <= 2 &&
         (Kit::kTakesZeros || !t.has_zeros);
}

/// Rows of a block's outputs. A kit of four taps keeps the codes of three columns in registers, of
/// four input rows where it has lowered(), for two rows of outputs; a kit of pairs, whose codes
/// would take twice as many, keeps the sums of the three outputs that a column is part of.
template <typename Kit, bool kWhole>
class Window {
 public:
  Window(Task& task, const uint8_t* packed, const Outputs<Kit, kWhole>& outputs, size_t first)
      : t_(task),
        outputs_(outputs),
        weights_(packed + 2 * Kit::kChannels * sizeof(int32_t)),
        padding_(task.padding),
        flip_(task.flip),
        channel_(first),
        from_(static_cast<ptrdiff_t>(task.first_column())),
        width_(static_cast<ptrdiff_t>(task.s.in_w)),
        count_(task.end - task.begin),
        out_width_(task.s.out_w) {}

  /// The task's outputs of the rows [begin, end).
  template <End kEnd>
  void run(size_t begin, size_t end) const {
    if (t_.s.stride_w == 1)
      run_rows<kEnd, true>(*this, begin, end);
    else
      run_rows<kEnd, false>(*this, begin, end);
  }

 private:
  using Int = typename Kit::Int;
  static constexpr int kVectors = static_cast<int>(Kit::kVectors);
  static constexpr bool kPairs = Kit::kGroup == 2;
  static constexpr bool kLowers = requires(Int v) { Kit::lowered(v); };
  using Sums = Int[kVectors];

  /// The codes of one column: all three rows, or, in pairs, the upper two in `rows` and the last
  /// one with its right neighbour in `last`.
  struct Codes {
    Int rows[kVectors], last[kPairs ? kVectors : 1];
  };

  template <End kEnd, bool kDense>
  __attribute__((noinline)) static void run_rows(const Window& window, size_t begin, size_t end) {
    Window w = window;
    alignas(64) Int lower[kLowers ? 3 * kVectors : 1];
    if constexpr (kLowers)
      for (int i = 0; i < 3 * kVectors; ++i) lower[i] = Kit::lowered(w.weight(0, i));
    w.lower_ = lower;
    const ConvShape& s = w.t_.s;
    const bool twice = kLowers && kDense && s.stride_h == 1 && s.dilation_h == 1;
    for (size_t row = begin; row < end; ++row) {
      w.t_.move_to(row);
      w.begin_row();
      if constexpr (!kDense) {
        w.template halved_row<kEnd>();
      } else if constexpr (kPairs) {
        w.template dense_row_by_sums<kEnd>();
      } else if (twice && row + 1 < end && w.t_.oy + 1 < s.out_h) {
        w.template dense_rows<kEnd, kLowers>();
        ++row;
      } else {
        w.template dense_rows<kEnd, false>();
      }
    }
  }

  inline __attribute__((always_inline)) void begin_row() {
    for (size_t i = 0; i < 4; ++i) {
      const uint8_t* row = t_.row(i, channel_);
      row_[i] = row != nullptr ? row : padding_;
      step_[i] = row != nullptr ? t_.stride : 0;
    }
    pixel_ = t_.first_pixel() + t_.begin;
  }

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

  template <End kEnd, bool kInside = false, bool kTwice = false>
  inline __attribute__((always_inline)) void load(size_t column, Codes& codes) const {
    const auto c = static_cast<ptrdiff_t>(column);
    const uint8_t flip = kEnd == End::bare ? 0 : flip_;
    if constexpr (kPairs) {
      const uint8_t* const upper[2] = {tap<kInside>(0, c), tap<kInside>(1, c)};
      const uint8_t* const last[2] = {tap<kInside>(2, c), tap<kInside>(2, c + 1)};
      Kit::template interleave<kWhole>(upper, outputs_.count(), flip, codes.rows);
      Kit::template interleave<kWhole>(last, outputs_.count(), flip, codes.last);
    } else {
      // The fourth weight of the upper row is 0.
      const uint8_t* const taps[4] = {tap<kInside>(0, c), tap<kInside>(1, c), tap<kInside>(2, c),
                                      tap<kInside>(kTwice ? 3 : 2, c)};
      Kit::template interleave<kWhole>(taps, outputs_.count(), flip, codes.rows);
    }
  }

  inline __attribute__((always_inline)) Int weight(int group, int v) const {
    return Kit::load(weights_ + (group * kVectors + v) * sizeof(Int));
  }

  /// Adds what the codes are to the output whose tap `kTap` of each row they are.
  template <int kTap>
  inline __attribute__((always_inline)) void add(const Codes& codes, Sums& sums) const {
    simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      sums[v] = Kit::dot(sums[v], codes.rows[v], weight(kTap, v));
      if constexpr (kPairs && kTap == 0) sums[v] = Kit::dot(sums[v], codes.last[v], weight(3, v));
      if constexpr (kPairs && kTap == 2) sums[v] = Kit::dot(sums[v], codes.last[v], weight(4, v));
    });
  }

  /// Output `index` of the row.
  template <End kEnd>
  inline __attribute__((always_inline)) void finish(size_t index, const Sums& sums) const {
    outputs_.template finish<kEnd>(pixel_ + index, sums);
  }

  /// Adds what the codes are to the lower one of two outputs.
  template <int kTap>
  inline __attribute__((always_inline)) void add_lower(const Codes& codes, Sums& sums) const {
    simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      sums[v] = Kit::dot(sums[v], codes.rows[v], lower_[kTap * kVectors + v]);
    });
  }

  /// Output `index` of its three columns, of which the last one is still to be loaded; kTwice: and
  /// the one below it.
  template <End kEnd, bool kTwice, bool kInside = false>
  inline __attribute__((always_inline)) void output(size_t index, const Codes& a, const Codes& b,
                                                    Codes& c) const {
    load<kEnd, kInside, kTwice>(index + 2, c);
    Sums sums;
    outputs_.begin(sums);
    add<0>(a, sums);
    add<1>(b, sums);
    add<2>(c, sums);
    finish<kEnd>(index, sums);
    if constexpr (kTwice) {
      outputs_.begin(sums);
      add_lower<0>(a, sums);
      add_lower<1>(b, sums);
      add_lower<2>(c, sums);
      finish<kEnd>(out_width_ + index, sums);
    }
  }

  template <End kEnd, bool kTwice>
  inline __attribute__((always_inline)) void dense_rows() const {
    Codes a, b, c;
    load<kEnd, false, kTwice>(0, a);
    load<kEnd, false, kTwice>(1, b);
    size_t index = 0;
    for (const size_t inner = inside(count_ + 2); index + 3 <= inner; ++index) {
      output<kEnd, kTwice, true>(index, a, b, c);
      a = b;
      b = c;
    }
    for (; index < count_; ++index) {
      output<kEnd, kTwice>(index, a, b, c);
      a = b;
      b = c;
    }
  }

  /// Column `column` begins `first`, goes on with `second` and ends `third`.
  template <End kEnd, bool kInside = false>
  inline __attribute__((always_inline)) void slide(size_t column, Sums& first, Sums& second,
                                                   Sums& third) const {
    Codes codes;
    load<kEnd, kInside>(column, codes);
    outputs_.begin(first);
    add<0>(codes, first);
    add<1>(codes, second);
    add<2>(codes, third);
    finish<kEnd>(column - 2, third);
  }

  template <End kEnd>
  inline __attribute__((always_inline)) void dense_row_by_sums() const {
    Sums a, b, c;
    Codes codes;
    load<kEnd>(0, codes);
    outputs_.begin(a);
    add<0>(codes, a);
    load<kEnd>(1, codes);
    outputs_.begin(b);
    add<0>(codes, b);
    add<1>(codes, a);
    const size_t end = count_ + 2;
    size_t column = 2;
    const auto step = [&](auto inside_is) __attribute__((always_inline)) {
      slide<kEnd, inside_is.value != 0>(column, c, b, a);
      simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        a[v] = b[v];
        b[v] = c[v];
      });
    };
    for (const size_t inner = inside(end); column < inner; ++column) step(simd::Index<1>{});
    for (; column < end; ++column) step(simd::Index<0>{});
  }

  /// Columns 2 * index + 1 and + 2, which ends output `index` and begins the next one.
  template <End kEnd, bool kInside = false>
  inline __attribute__((always_inline)) void halve(size_t index, Sums& sums) const {
    Sums next;
    Codes codes;
    load<kEnd, kInside>(2 * index + 1, codes);
    add<1>(codes, sums);
    load<kEnd, kInside>(2 * index + 2, codes);
    add<2>(codes, sums);
    outputs_.begin(next);
    add<0>(codes, next);
    finish<kEnd>(index, sums);
    simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) { sums[v] = next[v]; });
  }

  /// Strides of 2.
  template <End kEnd>
  inline __attribute__((always_inline)) void halved_row() const {
    Sums sums;
    Codes codes;
    load<kEnd>(0, codes);
    outputs_.begin(sums);
    add<0>(codes, sums);
    halve<kEnd>(0, sums);
    size_t out = 1;
    for (const size_t inner = inside(2 * count_ + 1); 2 * out + 2 < inner; ++out)
      halve<kEnd, true>(out, sums);
    for (; out < count_; ++out) halve<kEnd>(out, sums);
  }

  Task& t_;
  const Outputs<Kit, kWhole> outputs_;
  const uint8_t *weights_, *padding_;
  uint8_t flip_;
  size_t channel_;
  ptrdiff_t from_, width_;  // the input column of column 0
  size_t count_;            // outputs of a row that are the task's
  size_t out_width_;
  size_t pixel_ = 0;            // the row's first output
  const Int* lower_ = nullptr;  // the weights, each at the next of the four rows
  const uint8_t* row_[4] = {};
  size_t step_[4] = {};
};
