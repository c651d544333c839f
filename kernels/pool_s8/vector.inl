// pool_s8 over the sixteen lanes of a lanes file: a lane is a channel. Included inside an anonymous
// namespace after it and a bytes file.

constexpr size_t kGrainCodes = 16384;
constexpr size_t kLanes = 16;

// The part of output pixel `at`'s window that is inside the input.
struct Window {
  size_t batch, top, left;  // may have wrapped below 0: padding
};

inline Window window_of(const PoolShape& s, size_t at) {
  return {at / (s.out_w * s.out_h), at / s.out_w % s.out_h * s.stride_h - s.pad_top,
          at % s.out_w * s.stride_w - s.pad_left};
}

// The taps along one axis that are inside: they follow each other.
struct Inside {
  size_t begin = 0, end;
  Inside(size_t first, size_t kernel, size_t dilation, size_t extent) : end(kernel) {
    while (begin < end && first + begin * dilation >= extent) ++begin;
    while (begin < end && first + (end - 1) * dilation >= extent) --end;
  }
};

// Calls visit(index of the pixel) for each pixel that is inside the input.
template <typename Visit>
inline __attribute__((always_inline)) void each_pixel(const PoolShape& s, const Window& window,
                                                      Visit visit) {
  const Inside rows(window.top, s.kernel_h, s.dilation_h, s.in_h);
  const Inside columns(window.left, s.kernel_w, s.dilation_w, s.in_w);
  const size_t x = window.left + columns.begin * s.dilation_w;
  for (size_t i = rows.begin; i < rows.end; ++i) {
    const size_t y = window.top + i * s.dilation_h;
    size_t pixel = (window.batch * s.in_h + y) * s.in_w + x;
    for (size_t j = columns.begin; j < columns.end; ++j, pixel += s.dilation_w) visit(pixel);
  }
}

// How many pixels of a window lie inside the padded input along one axis.
inline size_t padded_count(size_t first, size_t kernel, size_t dilation, size_t padded) {
  size_t count = 0;
  for (size_t i = 0; i < kernel; ++i) count += first + i * dilation < padded ? 1 : 0;
  return count;
}

inline size_t grain_of(const PoolShape& s) {
  return kGrainCodes / (s.channels * s.kernel_h * s.kernel_w + 1) + 1;
}

template <bool kSigned>
void max_pixels(const PoolShape& s, const uint8_t* in, uint8_t* out, size_t begin, size_t end) {
  for (size_t at = begin; at < end; ++at) {
    const Window window = window_of(s, at);
    size_t c = 0;
    // Four blocks at once share the way through the window.
    for (; c + 4 * kLanes <= s.channels; c += 4 * kLanes) {
      Bytes a = lowest_codes<kSigned>(), b = a, d = a, e = a;
      each_pixel(
          s, window, [&](size_t pixel) __attribute__((always_inline)) {
            const uint8_t* from = in + pixel * s.channels + c;
            a = max_codes<kSigned>(a, load_bytes(from, kLanes));
            b = max_codes<kSigned>(b, load_bytes(from + kLanes, kLanes));
            d = max_codes<kSigned>(d, load_bytes(from + 2 * kLanes, kLanes));
            e = max_codes<kSigned>(e, load_bytes(from + 3 * kLanes, kLanes));
          });
      uint8_t* to = out + at * s.channels + c;
      store_bytes(to, kLanes, a);
      store_bytes(to + kLanes, kLanes, b);
      store_bytes(to + 2 * kLanes, kLanes, d);
      store_bytes(to + 3 * kLanes, kLanes, e);
    }
    for (; c < s.channels; c += kLanes) {
      const size_t count = s.channels - c < kLanes ? s.channels - c : kLanes;
      Bytes best = lowest_codes<kSigned>();
      each_pixel(
          s, window, [&](size_t pixel) __attribute__((always_inline)) {
            best = max_codes<kSigned>(best, load_bytes(in + pixel * s.channels + c, count));
          });
      store_bytes(out + at * s.channels + c, count, best);
    }
  }
}

void max_pool(const PoolShape& s, const void* in, void* out, bool is_signed, Parallel& parallel) {
  const auto run = is_signed ? max_pixels<true> : max_pixels<false>;
  parallel.for_ranges(s.batch * s.out_h * s.out_w, grain_of(s), [&](size_t begin, size_t end) {
    run(s, static_cast<const uint8_t*>(in), static_cast<uint8_t*>(out), begin, end);
  });
}

// From sums over a window to codes.
struct AverageEnd {
  Ints offset, zero;
  Floats multiplier, low, high;

  inline __attribute__((always_inline)) void store(uint8_t* to, size_t count, Ints sum) const {
    const Floats value = mul(to_floats(sub(sum, offset)), multiplier);
    store_codes(to, count, add(to_ints(min(max(value, low), high)), zero));
  }
};

// The channels [c, c + 16 kBlocks), or `count` of them where kBlocks is 1, of one window.
template <size_t kBlocks>
inline __attribute__((always_inline)) void average_blocks(const PoolShape& s, const Window& window,
                                                          const uint8_t* in, bool is_signed,
                                                          size_t c, size_t count,
                                                          const AverageEnd& end, uint8_t* to) {
  Ints sums[kBlocks];
#pragma GCC unroll 4
  for (size_t b = 0; b < kBlocks; ++b) sums[b] = set_ints(0);
  each_pixel(
      s, window, [&](size_t pixel) __attribute__((always_inline)) {
        const uint8_t* from = in + pixel * s.channels + c;
#pragma GCC unroll 4
        for (size_t b = 0; b < kBlocks; ++b)
          sums[b] =
              add(sums[b], load_codes(from + b * kLanes, is_signed, kBlocks > 1 ? kLanes : count));
      });
#pragma GCC unroll 4
  for (size_t b = 0; b < kBlocks; ++b)
    end.store(to + b * kLanes, kBlocks > 1 ? kLanes : count, sums[b]);
}

void average_pixels(const PoolShape& s, const uint8_t* in, uint8_t* out, const AverageS8& a,
                    size_t begin, size_t end) {
  const Ints zero = set_ints(a.out_zero_point);
  // Rounding keeps order, so clamping to whole numbers before it gives the same code.
  const Floats low = to_floats(sub(set_ints(a.low), zero));
  const Floats high = to_floats(sub(set_ints(a.high), zero));
  for (size_t at = begin; at < end; ++at) {
    const Window window = window_of(s, at);
    int32_t inside = 0;
    each_pixel(s, window, [&](size_t) { ++inside; });
    auto divisor = static_cast<size_t>(inside);
    if (a.count_include_pad)
      divisor = padded_count(window.top + s.pad_top, s.kernel_h, s.dilation_h,
                             s.in_h + s.pad_top + s.pad_bottom) *
                padded_count(window.left + s.pad_left, s.kernel_w, s.dilation_w,
                             s.in_w + s.pad_left + s.pad_right);
    const float multiplier = a.multiplier / static_cast<float>(divisor == 0 ? 1 : divisor);
    const AverageEnd ending{set_ints(inside * a.in_zero_point), zero, set_floats(multiplier), low,
                            high};
    uint8_t* to = out + at * s.channels;
    size_t c = 0;
    // Four blocks at once share the way through the window.
    for (; c + 4 * kLanes <= s.channels; c += 4 * kLanes)
      average_blocks<4>(s, window, in, a.in_signed, c, 4 * kLanes, ending, to + c);
    for (; c < s.channels; c += kLanes)
      average_blocks<1>(s, window, in, a.in_signed, c,
                        s.channels - c < kLanes ? s.channels - c : kLanes, ending, to + c);
  }
}

void average_pool(const PoolShape& s, const void* in, void* out, const AverageS8& a,
                  Parallel& parallel) {
  parallel.for_ranges(s.batch * s.out_h * s.out_w, grain_of(s), [&](size_t begin, size_t end) {
    average_pixels(s, static_cast<const uint8_t*>(in), static_cast<uint8_t*>(out), a, begin, end);
  });
}

void global_average(size_t batch, size_t pixels, size_t channels, const void* in, void* out,
                    const AverageS8& a, Parallel& parallel) {
  PoolShape shape;
  shape.batch = batch;
  shape.channels = channels;
  shape.in_w = shape.kernel_w = pixels;
  average_pool(shape, in, out, a, parallel);
}
