// Included inside an anonymous namespace.

/// f(Kit{}, first, count) for blocks that cover the channels [begin, end). The last one reaches
/// back over channels of the block before it, which are computed twice, so that blocks are whole;
/// only channels that are fewer than a block make a part of one.
template <typename Kit, typename F>
void each_overlapping(size_t begin, size_t end, F f) {
  for (size_t first = begin; first < end; first += Kit::kChannels) {
    if (first + Kit::kChannels <= end)
      f(Kit{}, first, Kit::kChannels);
    else if (end >= Kit::kChannels)
      f(Kit{}, end - Kit::kChannels, Kit::kChannels);
    else
      f(Kit{}, first, end - first);
  }
}

/// Blocks of Wide, then of Narrow where that is enough for what is left.
template <typename Wide, typename Narrow, typename F>
void each_wide_or_narrow(size_t channels, F f) {
  const size_t left = channels % Wide::kChannels;
  const size_t narrow = channels < Wide::kChannels || left <= Narrow::kChannels ? left : 0;
  each_overlapping<Wide>(0, channels - narrow, f);
  each_overlapping<Narrow>(channels - narrow, channels, f);
}

/// The kit that window.inl takes for blocks of Kit; the packed weights are Kit's.
template <typename Kit>
struct WindowOf {
  using type = Kit;
};

/// Kernels that window.inl is made for.
inline bool has_window(const ConvShape& s) { return s.kernel_h == 3 && s.kernel_w == 3; }
