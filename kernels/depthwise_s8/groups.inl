// Which taps depthwise_s8 multiplies together, and the packed weights. Included inside an anonymous
// namespace after an instruction set's kits: see driver.inl.
//
// Packed: a header of 64 bytes (uint32 has_zeros), then by block: int32 sums[kChannels], zeros[] in
// the order of the sums, weights by group and vector, and, unless kTakesZeros, as many ones.

inline constexpr size_t kHeaderBytes = 64;

/// Which taps a kernel's groups hold.
template <typename Kit>
struct Groups {
  const ConvShape& s;

  bool has_row() const { return s.kernel_h % Kit::kGroup == 1; }
  size_t verticals() const {
    return has_row() ? s.kernel_h / Kit::kGroup : divide_up(s.kernel_h, Kit::kGroup);
  }
  size_t planes() const { return verticals() + (has_row() ? 1 : 0); }
  size_t row_groups() const { return has_row() ? divide_up(s.kernel_w, Kit::kGroup) : 0; }
  size_t count() const { return verticals() * s.kernel_w + row_groups(); }
  /// Tap i of a group; past all taps where the group has fewer.
  size_t tap(size_t group, size_t i) const {
    const size_t none = s.kernel_h * s.kernel_w;
    if (group < verticals() * s.kernel_w) {
      const size_t y = group / s.kernel_w * Kit::kGroup + i;
      return y < s.kernel_h ? y * s.kernel_w + group % s.kernel_w : none;
    }
    const size_t x = (group - verticals() * s.kernel_w) * Kit::kGroup + i;
    return x < s.kernel_w ? (s.kernel_h - 1) * s.kernel_w + x : none;
  }
};

/// What one vector takes of packed weights and of constants.
template <typename Kit>
constexpr size_t lane_bytes() {
  return Kit::kChannels / Kit::kVectors * sizeof(int32_t);
}
template <typename Kit>
constexpr size_t entry_bytes() {
  return Kit::kVectors * lane_bytes<Kit>();
}

template <typename Kit>
size_t block_bytes(const ConvShape& s) {
  const size_t weights = Groups<Kit>{s}.count() * entry_bytes<Kit>();
  return 2 * Kit::kChannels * sizeof(int32_t) + weights * (Kit::kTakesZeros ? 1 : 2);
}

/// The place of a channel among the lanes of all vectors of sums, counted through.
template <typename Kit>
size_t lane_of(size_t channel) {
  const size_t four = channel / 4;
  return (four % Kit::kVectors * (Kit::kChannels / Kit::kVectors)) + four / Kit::kVectors * 4 +
         channel % 4;
}

/// The place of a tap's weight within its group: taps of a lane lie together, or, where the kit has
/// kTapLanes, those of so many lanes follow each other tap by tap.
template <typename Kit>
constexpr size_t weight_place(size_t lane, size_t tap) {
  if constexpr (requires { Kit::kTapLanes; })
    return (lane / Kit::kTapLanes * Kit::kGroup + tap) * Kit::kTapLanes + lane % Kit::kTapLanes;
  else
    return lane * Kit::kGroup + tap;
}

/// What the codes of the input are more than those that the kit multiplies, modulo 256: it takes
/// u8 ones, or s8 ones where it has kSignedCodes.
template <typename Kit>
constexpr int32_t code_shift(bool in_signed) {
  if constexpr (requires { Kit::kSignedCodes; })
    return in_signed ? 0 : 128;
  else
    return in_signed ? -128 : 0;
}

inline size_t packed_bytes(const ConvShape& s) {
  size_t bytes = kHeaderBytes;
  each_block(s, [&](auto kit, size_t, size_t) { bytes += block_bytes<decltype(kit)>(s); });
  return bytes;
}

template <typename Kit>
void pack_block(const ConvShape& s, const ConvWeights& w, size_t first, size_t count,
                uint8_t* packed) {
  using Weight = typename Kit::Weight;
  const Groups<Kit> groups{s};
  const size_t taps = s.kernel_h * s.kernel_w;
  auto* sums = reinterpret_cast<int32_t*>(packed);
  int32_t* zeros = sums + Kit::kChannels;
  auto* weights = reinterpret_cast<Weight*>(zeros + Kit::kChannels);
  Weight* ones = weights + groups.count() * Kit::kChannels * Kit::kGroup;
  const int32_t shift = w.is_signed || Kit::kTakesZeros ? 0 : 128;
  for (size_t c = 0; c < Kit::kChannels; ++c) {
    const size_t lane = lane_of<Kit>(c);
    const bool here = c < count;
    const int32_t zero = here && w.zero_points != nullptr ? w.zero_points[first + c] : 0;
    sums[lane] = 0;
    zeros[lane] = here && !Kit::kTakesZeros ? zero - shift : 0;
    for (size_t g = 0; g < groups.count(); ++g)
      for (size_t i = 0; i < Kit::kGroup; ++i) {
        const size_t tap = groups.tap(g, i);
        const size_t to = g * Kit::kChannels * Kit::kGroup + weight_place<Kit>(lane, i);
        int32_t code = 0;
        if (here && tap < taps) {
          const size_t at = (first + c) * taps + tap;
          code = w.is_signed ? static_cast<const int8_t*>(w.data)[at]
                             : static_cast<const uint8_t*>(w.data)[at];
          code -= Kit::kTakesZeros ? zero : shift;
        }
        sums[lane] += code;
        weights[to] = static_cast<Weight>(code);
        if constexpr (!Kit::kTakesZeros) ones[to] = tap < taps ? 1 : 0;
      }
  }
}

inline void pack(const ConvShape& s, const ConvWeights& w, void* packed) {
  auto* to = static_cast<uint8_t*>(packed);
  uint32_t has_zeros = w.zero_points == nullptr && !w.is_signed ? 1 : 0;
  for (size_t c = 0; w.zero_points != nullptr && c < s.out_channels; ++c)
    if (w.zero_points[c] != (w.is_signed ? 0 : 128)) has_zeros = 1;
  __builtin_memcpy(to, &has_zeros, sizeof(has_zeros));
  to += kHeaderBytes;
  each_block(s, [&](auto kit, size_t first, size_t count) {
    using Kit = decltype(kit);
    pack_block<Kit>(s, w, first, count, to);
    to += block_bytes<Kit>(s);
  });
}
