// What depthwise_s8 multiplies with its packed weights. Included inside an anonymous namespace
// after groups.inl.
//
// For a stretch of one output row, what its taps read is interleaved to planes: by column of the
// padded input, kGroup rows on top of each other; and, for a kernel row that is left over, kGroup
// neighbours of that row. Outputs share the columns, and padding is in them like all else.

inline constexpr size_t kPlaneBytes = 24 * 1024;  // what should stay in the first cache
inline constexpr size_t kLeastOutputs = 16;

/// A stretch of one output row, cut so that its planes fit.
struct Stretch {
  size_t outputs;  // of a stretch
  size_t columns;  // of the padded input that they read

  Stretch(const ConvShape& s, size_t wanted_cuts) {
    const size_t reach = (s.kernel_w - 1) * s.dilation_w;
    const size_t entry = larger(Groups<Widest>{s}.planes(), 1) * entry_bytes<Widest>();
    const size_t fit = kPlaneBytes / entry;
    const size_t most =
        larger(larger(fit > reach ? (fit - reach) / s.stride_w : 0, 4 * reach), kLeastOutputs);
    const size_t cuts = larger(divide_up(s.out_w, most), wanted_cuts);
    outputs = larger(divide_up(s.out_w, cuts), 1);
    columns = (outputs - 1) * s.stride_w + reach + 1;
  }
  size_t plane_bytes(const ConvShape& s) const {
    return Groups<Widest>{s}.planes() * columns * entry_bytes<Widest>();
  }
};

inline size_t offset_bytes(const ConvShape& s) {
  return round_up((s.kernel_h + 1) * (s.kernel_w + 1) * sizeof(size_t), 64);
}

inline size_t slot_bytes(const ConvShape& s) {
  return offset_bytes(s) + Stretch(s, 1).plane_bytes(s);
}

/// By block in the order of the sums: what is added to them, their multipliers, and what is added
/// to the products. Whole cache lines, so that what follows is aligned for any register.
template <typename Kit>
constexpr size_t constant_bytes() {
  return (3 * Kit::kChannels * sizeof(int32_t) + 63) / 64 * 64;
}

inline size_t all_constant_bytes(const ConvShape& s) {
  size_t bytes = 0;
  each_block(s, [&](auto kit, size_t, size_t) { bytes += constant_bytes<decltype(kit)>(); });
  return bytes;
}

inline size_t scratch_bytes(const ConvShape& s, size_t width) {
  return all_constant_bytes(s) + width * slot_bytes(s);
}

/// What one task computes: outputs [begin, end) of an output row.
struct Task {
  const ConvShape& s;
  const ConvIo& io;
  const Target& target;
  size_t stride;      // between input pixels
  size_t n, oy;       // the output row
  size_t begin, end;  // its outputs
  uint8_t flip;       // makes codes what the kit takes
  bool has_zeros;
  const uint8_t* padding;
  size_t* offsets;
  uint8_t* planes;

  size_t columns() const {
    return (end - begin - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
  }
  void move_to(size_t row) {
    n = row / s.out_h;
    oy = row % s.out_h;
  }
  /// The first pixel of the output row.
  size_t first_pixel() const { return (n * s.out_h + oy) * s.out_w; }
  /// The input row under a kernel row, from `channel` of its first pixel on; null in the padding.
  const uint8_t* row(size_t kernel_row, size_t channel) const {
    const size_t y = oy * s.stride_h + kernel_row * s.dilation_h - s.pad_top;  // wraps below zero
    if (y >= s.in_h) return nullptr;
    return static_cast<const uint8_t*>(io.in) + (n * s.in_h + y) * s.in_w * stride + channel;
  }
  /// The input column of column 0; it wraps below zero.
  size_t first_column() const { return begin * s.stride_w - s.pad_left; }
};

/// One plane: by column, what tap i of a group reads at the kernel row rows[i], shifts[i] columns
/// on.
template <typename Kit, bool kWhole>
class Plane {
 public:
  Plane(const Task& t, const size_t (&rows)[Kit::kGroup], const size_t (&shifts)[Kit::kGroup],
        size_t first, size_t count, uint8_t* to)
      : t_(t), count_(count), from_(static_cast<ptrdiff_t>(t.first_column())), to_(to) {
    for (size_t i = 0; i < Kit::kGroup; ++i) {
      // A row past the kernel has weights of 0: any will do.
      row_[i] = t.row(rows[i] < t.s.kernel_h ? rows[i] : rows[0], first);
      shift_[i] = shifts[i];
      all_ = all_ && row_[i] != nullptr;
    }
  }

  void fill() const {
    const auto columns = static_cast<ptrdiff_t>(t_.columns());
    const auto inside = [&](ptrdiff_t x) { return x < 0 ? 0 : (x > columns ? columns : x); };
    const auto reach = static_cast<ptrdiff_t>(shift_[Kit::kGroup - 1]);
    const ptrdiff_t left = all_ ? inside(-from_) : columns;
    const ptrdiff_t right = inside(static_cast<ptrdiff_t>(t_.s.in_w) - from_ - reach);
    edge(0, left);
    if (left < right) inner(left, right);
    edge(left < right ? right : left, columns);
  }

 private:
  static constexpr int kGroup = static_cast<int>(Kit::kGroup);

  inline __attribute__((always_inline)) void interleave(const uint8_t* const (&taps)[kGroup],
                                                        uint8_t* to) const {
    typename Kit::Int vectors[Kit::kVectors];
    Kit::template interleave<kWhole>(taps, count_, t_.flip, vectors);
    simd::unroll<static_cast<int>(Kit::kVectors)>(
        [&](auto v) { Kit::store(to + v * sizeof(typename Kit::Int), vectors[v]); });
  }

  uint8_t* entry(ptrdiff_t column) const {
    return to_ + static_cast<size_t>(column) * entry_bytes<Kit>();
  }

  __attribute__((noinline)) void edge(ptrdiff_t begin, ptrdiff_t end) const {
    for (ptrdiff_t c = begin; c < end; ++c) {
      const uint8_t* taps[kGroup];
      for (int i = 0; i < kGroup; ++i) {
        const size_t x = static_cast<size_t>(from_ + c) + shift_[i];  // wraps below zero
        const bool here = row_[i] != nullptr && x < t_.s.in_w;
        taps[i] = here ? row_[i] + x * t_.stride : t_.padding;
      }
      interleave(taps, entry(c));
    }
  }

  /// Columns whose taps are all in the input.
  void inner(ptrdiff_t begin, ptrdiff_t end) const {
    const uint8_t* first[kGroup];
    simd::unroll<kGroup>([&](auto i) {
      first[i] = row_[i] + (static_cast<size_t>(from_ + begin) + shift_[i]) * t_.stride;
    });
    size_t at = 0;
    uint8_t* to = entry(begin);
    for (uint8_t* last = entry(end); to != last; to += entry_bytes<Kit>(), at += t_.stride) {
      const uint8_t* taps[kGroup];
      simd::unroll<kGroup>([&](auto i) { taps[i] = first[i] + at; });
      interleave(taps, to);
    }
  }

  const Task& t_;
  size_t count_;
  ptrdiff_t from_;
  uint8_t* to_;
  const uint8_t* row_[kGroup];
  size_t shift_[kGroup];
  bool all_ = true;
};

template <typename Kit, bool kWhole>
void fill_planes(const Task& t, size_t first, size_t count) {
  const Groups<Kit> groups{t.s};
  const size_t plane = t.columns() * entry_bytes<Kit>();
  for (size_t p = 0; p < groups.planes(); ++p) {
    const bool vertical = p < groups.verticals();
    size_t rows[Kit::kGroup], shifts[Kit::kGroup];
    for (size_t i = 0; i < Kit::kGroup; ++i) {
      rows[i] = vertical ? p * Kit::kGroup + i : t.s.kernel_h - 1;
      shifts[i] = vertical ? 0 : i * t.s.dilation_w;
    }
    Plane<Kit, kWhole>(t, rows, shifts, first, count, t.planes + p * plane).fill();
  }
}

/// Where an output's groups lie, from its first column on.
template <typename Kit>
void find_groups(const Task& t) {
  const Groups<Kit> groups{t.s};
  const size_t plane = t.columns() * entry_bytes<Kit>();
  const size_t step = t.s.dilation_w * entry_bytes<Kit>();
  size_t* to = t.offsets;
  for (size_t v = 0; v < groups.verticals(); ++v)
    for (size_t x = 0; x < t.s.kernel_w; ++x) *to++ = v * plane + x * step;
  for (size_t r = 0; r < groups.row_groups(); ++r)
    *to++ = groups.verticals() * plane + r * Kit::kGroup * step;
}
