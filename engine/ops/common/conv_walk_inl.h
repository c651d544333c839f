#pragma once

// Definition of conv_geometry.h's template.

namespace octet::ops {
namespace detail {

/// The next position of a counter over `extents`; false after the last.
inline bool advance(std::span<int64_t> position, std::span<const int64_t> extents) {
  for (size_t i = position.size(); i-- > 0;) {
    if (++position[i] < extents[i]) return true;
    position[i] = 0;
  }
  return false;
}

inline int64_t product_of(std::span<const int64_t> extents) {
  int64_t product = 1;
  for (const int64_t extent : extents) product *= extent;
  return product;
}

/// Flat index of the input element that `tap` of the kernel sees from `at`; -1 in the padding.
inline int64_t input_index(const ConvGeometry& g, std::span<const int64_t> at,
                           std::span<const int64_t> tap) {
  int64_t index = 0;
  for (size_t i = 0; i < at.size(); ++i) {
    const int64_t x = at[i] * g.stride[i] + tap[i] * g.dilation[i] - g.pad_begin[i];
    if (x < 0 || x >= g.in[i]) return -1;
    index = index * g.in[i] + x;
  }
  return index;
}

}  // namespace detail

template <typename Tap, typename Done>
void walk_convolution(const ConvGeometry& g, Tap&& tap, Done&& done) {
  const int64_t pixels_in = detail::product_of(g.in);
  const int64_t pixels_out = detail::product_of(g.out);
  const int64_t taps = g.taps();
  if (g.batch * g.out_channels * pixels_out == 0) return;
  std::vector<int64_t> at(g.in.size());
  std::vector<int64_t> kernel_at(g.in.size());
  int64_t out = 0;
  for (int64_t n = 0; n < g.batch; ++n) {
    for (int64_t m = 0; m < g.out_channels; ++m) {
      const int64_t first_channel = n * g.in_channels + m / g.group_out() * g.group_in();
      at.assign(at.size(), 0);
      do {
        kernel_at.assign(kernel_at.size(), 0);
        int64_t k = 0;
        do {
          const int64_t x = taps == 0 ? -1 : detail::input_index(g, at, kernel_at);
          for (int64_t c = 0; x >= 0 && c < g.group_in(); ++c)
            tap((first_channel + c) * pixels_in + x, (m * g.group_in() + c) * taps + k);
          ++k;
        } while (detail::advance(kernel_at, g.kernel));
        done(out++, m);
      } while (detail::advance(at, g.out));
    }
  }
}

}  // namespace octet::ops
