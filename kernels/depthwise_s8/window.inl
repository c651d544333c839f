// Output rows of 3x3 kernels column by column. Included inside an anonymous namespace after
// driver.inl.

template <typename Kit>
bool fits_window(const Task& t, End how) {
  return has_window(t.s) && t.s.dilation_w == 1 && t.s.stride_w <= 2 &&
         (Kit::kTakesZeros || !t.has_zeros) && how != End::floats && how != End::any;
}

/// Whether the vectors of a kit hold two neighbouring outputs.
template <typename Kit>
constexpr bool is_doubled() {
  return requires { Kit::kDoubled; };
}

/// Rows of a block's outputs. A kit of four taps keeps the codes of three columns in registers, of
/// four input rows where it has lowered(), for two rows of outputs; a kit of pairs, whose codes
/// would take twice as many, keeps the sums of the three outputs that a column is part of.
template <typename Kit>
class Window {
 public:
  Window(Task& task, const uint8_t* packed, const Outputs<Kit, true>& outputs, size_t first)
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
      run_rows<kEnd, 1>(*this, begin, end);
    else
      run_rows<kEnd, 2>(*this, begin, end);
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

  template <End kEnd, size_t kStride>
  __attribute__((noinline)) static void run_rows(const Window& window, size_t begin, size_t end) {
    Window w = window;
    alignas(64) Int lower[kLowers ? 3 * kVectors : 1];
    if constexpr (kLowers)
      for (int i = 0; i < 3 * kVectors; ++i) lower[i] = Kit::lowered(w.weight(0, i));
    w.lower_ = lower;
    const ConvShape& s = w.t_.s;
    const bool twice = kLowers && kStride == 1 && s.stride_h == 1 && s.dilation_h == 1;
    for (size_t row = begin; row < end; ++row) {
      w.t_.move_to(row);
      w.begin_row();
      if (twice && row + 1 < end && w.t_.oy + 1 < s.out_h) {
        w.template row<kEnd, kStride, kLowers && kStride == 1>();
        ++row;
      } else {
        w.template row<kEnd, kStride, false>();
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

  template <End kEnd, size_t kStride, bool kTwice>
  inline __attribute__((always_inline)) void row() const {
    if constexpr (kPairs && kStride == 1)
      dense_row_by_sums<kEnd>();
    else if constexpr (kPairs || (kStride == 2 && !is_doubled<Kit>()))
      halved_row<kEnd>();
    else if constexpr (is_doubled<Kit>())
      doubled_row<kEnd, kStride, kTwice>();
    else
      dense_row<kEnd, kTwice>();
  }

  /// How many columns on the second one is that Codes have, too.
  template <size_t kStride>
  static constexpr size_t beside() {
    return kPairs ? 1 : (is_doubled<Kit>() ? kStride : 0);
  }

  /// The columns of [2, end) that are inside, and those beside them too, end before this one.
  template <size_t kStride>
  size_t inside(size_t end) const {
    const ptrdiff_t last = width_ - from_ - static_cast<ptrdiff_t>(beside<kStride>());
    return from_ < -2 || last < 0 ? 0 : smaller(end, static_cast<size_t>(last));
  }

  /// What a row has at a column; kInside: it isn't in the padding.
  template <bool kInside>
  inline __attribute__((always_inline)) const uint8_t* tap(size_t row, size_t column) const {
    const ptrdiff_t x = from_ + static_cast<ptrdiff_t>(column);
    if (!kInside && (x < 0 || x >= width_)) return padding_;
    return row_[row] + static_cast<size_t>(x) * step_[row];
  }

  template <End kEnd, size_t kStride, bool kInside = false, bool kTwice = false>
  inline __attribute__((always_inline)) void load(size_t column, Codes& codes) const {
    const uint8_t flip = kEnd == End::bare ? 0 : flip_;
    const size_t next = column + beside<kStride>();
    if constexpr (kPairs) {
      const uint8_t* const upper[2] = {tap<kInside>(0, column), tap<kInside>(1, column)};
      const uint8_t* const last[2] = {tap<kInside>(2, column), tap<kInside>(2, next)};
      Kit::template interleave<true>(upper, Kit::kChannels, flip, codes.rows);
      Kit::template interleave<true>(last, Kit::kChannels, flip, codes.last);
    } else {
      // The fourth weight of the upper row is 0.
      constexpr size_t kFourth = kTwice ? 3 : 2;
      const uint8_t* const taps[4] = {tap<kInside>(0, column), tap<kInside>(1, column),
                                      tap<kInside>(2, column), tap<kInside>(kFourth, column)};
      if constexpr (is_doubled<Kit>()) {
        const uint8_t* const others[4] = {tap<kInside>(0, next), tap<kInside>(1, next),
                                          tap<kInside>(2, next), tap<kInside>(kFourth, next)};
        Kit::interleave(taps, others, flip, codes.rows);
      } else {
        Kit::template interleave<true>(taps, Kit::kChannels, flip, codes.rows);
      }
    }
  }

  /// The same of a column that is inside if it lies before `end`.
  template <End kEnd, size_t kStride, bool kTwice = false>
  inline __attribute__((always_inline)) void load_any(size_t column, size_t end,
                                                      Codes& codes) const {
    if (column < end)
      load<kEnd, kStride, true, kTwice>(column, codes);
    else
      load<kEnd, kStride, false, kTwice>(column, codes);
  }

  inline __attribute__((always_inline)) Int weight(int group, int v) const {
    return Kit::load(weights_ + (group * kVectors + v) * lane_bytes<Kit>());
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

  /// Output `index` of the row, or `width` outputs from there on.
  template <End kEnd>
  inline __attribute__((always_inline)) void finish(size_t index, const Sums& sums,
                                                    size_t width = 1) const {
    if constexpr (is_doubled<Kit>())
      outputs_.template finish_doubled<kEnd>(pixel_ + index, width, sums);
    else
      outputs_.template finish<kEnd>(pixel_ + index, sums);
  }

  /// Adds what the codes are to the lower one of two outputs.
  template <int kTap>
  inline __attribute__((always_inline)) void add_lower(const Codes& codes, Sums& sums) const {
    simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
      sums[v] = Kit::dot(sums[v], codes.rows[v], lower_[kTap * kVectors + v]);
    });
  }

  /// Output `index` of its three columns; kTwice: and the one below it. That of a doubled kit is
  /// `width` outputs.
  template <End kEnd, bool kTwice>
  inline __attribute__((always_inline)) void output(size_t index, const Codes& a, const Codes& b,
                                                    const Codes& c, size_t width = 1) const {
    Sums sums;
    outputs_.begin(sums);
    add<0>(a, sums);
    add<1>(b, sums);
    add<2>(c, sums);
    finish<kEnd>(index, sums, width);
    if constexpr (kTwice) {
      outputs_.begin(sums);
      add_lower<0>(a, sums);
      add_lower<1>(b, sums);
      add_lower<2>(c, sums);
      finish<kEnd>(out_width_ + index, sums, width);
    }
  }

  template <End kEnd, bool kTwice>
  inline __attribute__((always_inline)) void dense_row() const {
    Codes a, b, c;
    load<kEnd, 1, false, kTwice>(0, a);
    load<kEnd, 1, false, kTwice>(1, b);
    const size_t end = inside<1>(count_ + 2);
    for (size_t index = 0; index < count_; ++index) {
      load_any<kEnd, 1, kTwice>(index + 2, end, c);
      output<kEnd, kTwice>(index, a, b, c);
      a = b;
      b = c;
    }
  }

  /// By two outputs: Codes are of a column and of the one under the next output.
  template <End kEnd, size_t kStride, bool kTwice>
  inline __attribute__((always_inline)) void doubled_row() const {
    Codes first, middle, last;
    load<kEnd, kStride, false, kTwice>(0, first);
    const size_t end = inside<kStride>(count_ * kStride + 2);
    size_t index = 0;
    const auto step = [&](auto inside_is) __attribute__((always_inline)) {
      constexpr bool kInside = inside_is.value != 0;
      load<kEnd, kStride, kInside, kTwice>((index + 2) * kStride, last);
      if constexpr (kStride == 2) load<kEnd, kStride, kInside, kTwice>(2 * index + 1, middle);
      Codes between;
      simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        between.rows[v] = Kit::between(first.rows[v], last.rows[v]);
      });
      const size_t width = kInside ? 2 : smaller(count_ - index, 2);
      if constexpr (kStride == 1)
        output<kEnd, kTwice>(index, first, between, last, width);
      else
        output<kEnd, kTwice>(index, first, middle, between, width);
      first = last;
      index += 2;
    };
    while (index < count_) {
      step(simd::Index<0>{});
      while (index + 2 <= count_ && (index + 2) * kStride < end) step(simd::Index<1>{});
    }
  }

  /// Column `column` begins `first`, goes on with `second` and ends `third`.
  template <End kEnd>
  inline __attribute__((always_inline)) void slide(size_t column, const Codes& codes, Sums& first,
                                                   Sums& second, Sums& third) const {
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
    load<kEnd, 1>(0, codes);
    outputs_.begin(a);
    add<0>(codes, a);
    load<kEnd, 1>(1, codes);
    outputs_.begin(b);
    add<0>(codes, b);
    add<1>(codes, a);
    const size_t end = inside<1>(count_ + 2);
    size_t column = 2;
    const auto step = [&](auto inside_is) __attribute__((always_inline)) {
      load<kEnd, 1, inside_is.value != 0>(column, codes);
      slide<kEnd>(column, codes, c, b, a);
      simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) {
        a[v] = b[v];
        b[v] = c[v];
      });
      ++column;
    };
    while (column < count_ + 2) {
      while (column < end) step(simd::Index<1>{});
      step(simd::Index<0>{});
    }
  }

  /// Columns 2 * index + 1 and + 2, which end output `index` and begin the next one.
  template <End kEnd>
  inline __attribute__((always_inline)) void halve(size_t index, const Codes& middle,
                                                   const Codes& last, Sums& sums) const {
    Sums next;
    add<1>(middle, sums);
    add<2>(last, sums);
    outputs_.begin(next);
    add<0>(last, next);
    finish<kEnd>(index, sums);
    simd::unroll<kVectors>([&](auto v) __attribute__((always_inline)) { sums[v] = next[v]; });
  }

  /// Strides of 2.
  template <End kEnd>
  inline __attribute__((always_inline)) void halved_row() const {
    Sums sums;
    Codes middle, last;
    load<kEnd, 2>(0, last);
    outputs_.begin(sums);
    add<0>(last, sums);
    const size_t end = inside<2>(2 * count_ + 1);
    size_t out = 0;
    const auto step = [&](auto inside_is) __attribute__((always_inline)) {
      load<kEnd, 2, inside_is.value != 0>(2 * out + 1, middle);
      load<kEnd, 2, inside_is.value != 0>(2 * out + 2, last);
      halve<kEnd>(out, middle, last, sums);
      ++out;
    };
    while (out < count_) {
      step(simd::Index<0>{});
      while (2 * out + 2 < end) step(simd::Index<1>{});
    }
  }

  Task& t_;
  const Outputs<Kit, true> outputs_;
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
