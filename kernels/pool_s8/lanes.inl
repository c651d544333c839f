// pool_s8 over sixteen lanes. Included inside an anonymous namespace after a lanes file.

inline constexpr size_t kLanes = 16;
inline constexpr size_t kGrain = 4096;  // elements of output

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
inline size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/// The taps [begin, end) of a window along one axis that are inside the input.
struct Taps {
  size_t begin, end;
  size_t count() const { return end - begin; }
};

inline Taps taps_inside(size_t o, size_t stride, size_t kernel, size_t dilation, size_t pad,
                        size_t size) {
  const size_t at = o * stride;
  const size_t begin = at < pad ? smaller(kernel, (pad - at + dilation - 1) / dilation) : 0;
  const size_t past = size + pad > at ? (size + pad - at + dilation - 1) / dilation : 0;
  return {begin, larger(begin, smaller(kernel, past))};
}

/// One output pixel's window.
struct Window {
  const uint8_t* first;  // the pixel of tap (y.begin, x.begin)
  size_t row_step, column_step;
  Taps y, x;

  template <typename Visit>
  void each(Visit visit) const {
    for (size_t i = 0; i < y.count(); ++i)
      for (size_t j = 0; j < x.count(); ++j) visit(first + i * row_step + j * column_step);
  }
};

inline Window window_of(const PoolShape& s, const void* in, size_t at) {
  const size_t ox = at % s.out_w;
  const size_t oy = at / s.out_w % s.out_h;
  const size_t n = at / (s.out_w * s.out_h);
  const Taps y = taps_inside(oy, s.stride_h, s.kernel_h, s.dilation_h, s.pad_top, s.in_h);
  const Taps x = taps_inside(ox, s.stride_w, s.kernel_w, s.dilation_w, s.pad_left, s.in_w);
  const size_t first_y = oy * s.stride_h + y.begin * s.dilation_h - s.pad_top;
  const size_t first_x = ox * s.stride_w + x.begin * s.dilation_w - s.pad_left;
  return {
      static_cast<const uint8_t*>(in) + ((n * s.in_h + first_y) * s.in_w + first_x) * s.channels,
      s.dilation_h * s.in_w * s.channels, s.dilation_w * s.channels, y, x};
}

template <typename Pixel>
void each_pixel(const PoolShape& s, Parallel& parallel, Pixel pixel) {
  auto work = [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) pixel(at);
  };
  parallel.for_ranges(s.batch * s.out_h * s.out_w, 1 + kGrain / larger(s.channels, 1), work);
}

inline void max_pool(const PoolShape& s, const void* in, void* out, bool is_signed,
                     Parallel& parallel) {
  const __m128i lowest = is_signed ? _mm_set1_epi8(-128) : _mm_setzero_si128();
  each_pixel(s, parallel, [&](size_t at) {
    const Window window = window_of(s, in, at);
    auto* to = static_cast<uint8_t*>(out) + at * s.channels;
    for (size_t c = 0; c < s.channels; c += kLanes) {
      const size_t count = smaller(kLanes, s.channels - c);
      __m128i best = lowest;
      window.each([&](const uint8_t* pixel) {
        const __m128i codes = load_bytes(pixel + c, count);
        best = is_signed ? _mm_max_epi8(best, codes) : _mm_max_epu8(best, codes);
      });
      store_bytes(to + c, count, best);
    }
  });
}

inline void finish_average(const AverageS8& a, Ints sum, size_t inside, size_t divisor, void* to,
                           size_t count) {
  const Ints zero = set_ints(a.in_zero_point * static_cast<int32_t>(inside));
  const float multiplier = a.multiplier / static_cast<float>(divisor);
  const Floats v = mul(to_floats(sub(sum, zero)), set_floats(multiplier));
  const Floats low = set_floats(static_cast<float>(a.low - a.out_zero_point));
  const Floats high = set_floats(static_cast<float>(a.high - a.out_zero_point));
  store_codes(to, count, add(to_ints(min(max(v, low), high)), set_ints(a.out_zero_point)));
}

/// The taps of a window along one axis that are inside the padded input.
inline size_t padded_count(size_t o, size_t stride, size_t kernel, size_t dilation, size_t padded) {
  return taps_inside(o, stride, kernel, dilation, 0, padded).count();
}

inline void average(const PoolShape& s, const void* in, void* out, const AverageS8& a,
                    Parallel& parallel) {
  each_pixel(s, parallel, [&](size_t at) {
    const Window window = window_of(s, in, at);
    const size_t inside = window.y.count() * window.x.count();
    size_t divisor = inside;
    if (a.count_include_pad)
      divisor = padded_count(at / s.out_w % s.out_h, s.stride_h, s.kernel_h, s.dilation_h,
                             s.in_h + s.pad_top + s.pad_bottom) *
                padded_count(at % s.out_w, s.stride_w, s.kernel_w, s.dilation_w,
                             s.in_w + s.pad_left + s.pad_right);
    auto* to = static_cast<uint8_t*>(out) + at * s.channels;
    for (size_t c = 0; c < s.channels; c += kLanes) {
      const size_t count = smaller(kLanes, s.channels - c);
      Ints sum = set_ints(0);
      window.each(
          [&](const uint8_t* pixel) { sum = add(sum, load_codes(pixel + c, a.in_signed, count)); });
      finish_average(a, sum, inside, larger(divisor, 1), to + c, count);
    }
  });
}

inline void global_average(size_t batch, size_t pixels, size_t channels, const void* in, void* out,
                           const AverageS8& a, Parallel& parallel) {
  const size_t blocks = (channels + kLanes - 1) / kLanes;
  auto work = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t c = i % blocks * kLanes;
      const size_t count = smaller(kLanes, channels - c);
      const auto* from = static_cast<const uint8_t*>(in) + i / blocks * pixels * channels + c;
      Ints sum = set_ints(0);
      for (size_t p = 0; p < pixels; ++p)
        sum = add(sum, load_codes(from + p * channels, a.in_signed, count));
      finish_average(a, sum, pixels, larger(pixels, 1),
                     static_cast<uint8_t*>(out) + i / blocks * channels + c, count);
    }
  };
  parallel.for_ranges(batch * blocks, 1 + kGrain / (kLanes * larger(pixels, 1)), work);
}
