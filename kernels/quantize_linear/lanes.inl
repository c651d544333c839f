// quantize_linear over sixteen lanes. Included inside an anonymous namespace after a lanes file.

inline constexpr size_t kLanes = 16;
inline constexpr size_t kGrain = 16384;  // elements

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
inline size_t larger(size_t a, size_t b) { return a > b ? a : b; }

inline Ints load_element(const void* data, Element type, size_t i, size_t count) {
  switch (type) {
    case Element::u8: return load_codes(static_cast<const uint8_t*>(data) + i, false, count);
    case Element::s8: return load_codes(static_cast<const uint8_t*>(data) + i, true, count);
    case Element::u16: return load_words(static_cast<const uint16_t*>(data) + i, false, count);
    case Element::s16: return load_words(static_cast<const uint16_t*>(data) + i, true, count);
    default: return load_ints(static_cast<const int32_t*>(data) + i, count);
  }
}

/// A code's bounds before the zero point is added, and the zero point.
struct Codes {
  Floats low, high;
  Ints zero;

  Codes(int32_t zero_point, int32_t low_code, int32_t high_code)
      : low(set_floats(static_cast<float>(low_code - zero_point))),
        high(set_floats(static_cast<float>(high_code - zero_point))),
        zero(set_ints(zero_point)) {}
  Ints of(Floats v) const { return add(to_ints(min(max(v, low), high)), zero); }
};

template <Element kType>
inline void store_element(void* data, size_t i, size_t count, Ints codes) {
  if constexpr (kType == Element::u8 || kType == Element::s8)
    store_codes(static_cast<uint8_t*>(data) + i, count, codes);
  else
    store_words(static_cast<uint16_t*>(data) + i, count, codes);
}

/// Quantizes [begin, end) of one scale.
template <Element kType>
void quantize_run(const float* in, void* out, size_t begin, size_t end, float scale, Codes codes) {
  const Floats divisor = set_floats(scale);
  size_t i = begin;
  for (; i + kLanes <= end; i += kLanes)
    store_element<kType>(out, i, kLanes,
                         codes.of(without_nan(div(load_floats(in + i, kLanes), divisor))));
  if (i < end)
    store_element<kType>(out, i, end - i,
                         codes.of(without_nan(div(load_floats(in + i, end - i), divisor))));
}

inline void quantize_typed(const float* in, void* out, Element type, size_t begin, size_t end,
                           float scale, const Codes& codes) {
  if (type == Element::u8 || type == Element::s8)
    quantize_run<Element::u8>(in, out, begin, end, scale, codes);
  else
    quantize_run<Element::u16>(in, out, begin, end, scale, codes);
}

/// Calls run(begin, end, channel) for runs of one channel that cover [outer, channels, inner].
template <typename Run>
void for_each_channel_run(size_t outer, size_t channels, size_t inner, Parallel& parallel,
                          Run run) {
  if (inner == 0 || channels == 0) return;
  auto work = [&](size_t begin, size_t end) {
    while (begin < end) {
      const size_t next = smaller(end, (begin / inner + 1) * inner);
      run(begin, next, begin / inner % channels);
      begin = next;
    }
  };
  parallel.for_ranges(outer * channels * inner, kGrain, work);
}

/// Channels are last (inner is 1): a vector has a scale for each lane.
inline void quantize_last(const QuantizeArgs& a, Parallel& parallel) {
  auto row = [&](size_t r) {
    for (size_t c = 0; c < a.channels; c += kLanes) {
      const size_t count = smaller(kLanes, a.channels - c);
      const size_t at = r * a.channels + c;
      const Ints zero = a.zero_point != nullptr ? load_ints(a.zero_point + c, count) : set_ints(0);
      const Floats zero_f = to_floats(zero);
      const Floats low = sub(set_floats(static_cast<float>(a.low)), zero_f);
      const Floats high = sub(set_floats(static_cast<float>(a.high)), zero_f);
      const Floats v =
          without_nan(div(load_floats(a.in + at, count), load_floats(a.scale + c, count)));
      const Ints codes = add(to_ints(min(max(v, low), high)), zero);
      if (a.type == Element::u8 || a.type == Element::s8)
        store_element<Element::u8>(a.out, at, count, codes);
      else
        store_element<Element::u16>(a.out, at, count, codes);
    }
  };
  auto work = [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) row(r);
  };
  parallel.for_ranges(a.outer, 1 + kGrain / a.channels, work);
}

inline void quantize(const QuantizeArgs& a, Parallel& parallel) {
  if (a.inner == 1 && a.channels > 1) return quantize_last(a, parallel);
  for_each_channel_run(
      a.outer, a.channels, a.inner, parallel, [&](size_t begin, size_t end, size_t c) {
        const int32_t zero = a.zero_point != nullptr ? a.zero_point[c] : 0;
        quantize_typed(a.in, a.out, a.type, begin, end, a.scale[c], Codes(zero, a.low, a.high));
      });
}

inline void dequantize_last(const DequantizeArgs& a, Parallel& parallel) {
  auto row = [&](size_t r) {
    for (size_t c = 0; c < a.channels; c += kLanes) {
      const size_t count = smaller(kLanes, a.channels - c);
      const Ints zero = a.zero_point != nullptr ? load_ints(a.zero_point + c, count) : set_ints(0);
      const Ints code = load_element(a.in, a.type, r * a.channels + c, count);
      store_floats(a.out + r * a.channels + c, count,
                   mul(to_floats(sub(code, zero)), load_floats(a.scale + c, count)));
    }
  };
  auto work = [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) row(r);
  };
  parallel.for_ranges(a.outer, 1 + kGrain / a.channels, work);
}

inline void dequantize(const DequantizeArgs& a, Parallel& parallel) {
  if (a.inner == 1 && a.channels > 1) return dequantize_last(a, parallel);
  for_each_channel_run(a.outer, a.channels, a.inner, parallel,
                       [&](size_t begin, size_t end, size_t c) {
                         const Ints zero = set_ints(a.zero_point != nullptr ? a.zero_point[c] : 0);
                         const Floats scale = set_floats(a.scale[c]);
                         for (size_t i = begin; i < end; i += kLanes) {
                           const size_t count = smaller(kLanes, end - i);
                           const Ints code = sub(load_element(a.in, a.type, i, count), zero);
                           store_floats(a.out + i, count, mul(to_floats(code), scale));
                         }
                       });
}

inline void requantize(const RequantizeArgs& a, Parallel& parallel) {
  const Codes codes(a.out_zero_point, a.low, a.high);
  const Ints zero = set_ints(a.in_zero_point);
  const Floats multiplier = set_floats(a.multiplier);
  const bool bytes = a.out_type == Element::u8 || a.out_type == Element::s8;
  auto work = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += kLanes) {
      const size_t count = smaller(kLanes, end - i);
      const Ints code = sub(load_element(a.in, a.in_type, i, count), zero);
      const Ints out = codes.of(mul(to_floats(code), multiplier));
      if (bytes)
        store_element<Element::u8>(a.out, i, count, out);
      else
        store_element<Element::u16>(a.out, i, count, out);
    }
  };
  parallel.for_ranges(a.count, kGrain, work);
}

/// The extremes, with min above max where no number is left.
inline FloatRange extremes(const float* in, size_t count) {
  const float infinity = __builtin_inff();
  // A lane keeps its extreme where x is NaN: min and max give their second argument.
  Floats low = set_floats(infinity), high = set_floats(-infinity);
  Floats low2 = low, high2 = high;
  size_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    const Floats x = load_floats(in + i, kLanes);
    const Floats y = load_floats(in + i + kLanes, kLanes);
    low = min(x, low);
    high = max(x, high);
    low2 = min(y, low2);
    high2 = max(y, high2);
  }
  FloatRange r{min_lane(min(low, low2)), max_lane(max(high, high2))};
  for (; i < count; ++i) {
    r.min = in[i] < r.min ? in[i] : r.min;
    r.max = in[i] > r.max ? in[i] : r.max;
  }
  return r;
}

inline FloatRange settled(FloatRange r) {
  if (r.min > r.max) return {};
  return {r.min + 0.0F, r.max + 0.0F};  // -0 becomes +0: the order of equal zeros must not show
}

inline FloatRange range(const float* in, size_t count, Parallel& parallel) {
  if (parallel.width() == 1 || count < 4 * kGrain) return settled(extremes(in, count));
  constexpr size_t kParts = 64;
  FloatRange parts[kParts];
  auto work = [&](size_t begin, size_t end) {
    for (size_t p = begin; p < end; ++p) {
      const size_t first = count * p / kParts;
      parts[p] = extremes(in + first, count * (p + 1) / kParts - first);
    }
  };
  parallel.for_ranges(kParts, 1, work);
  FloatRange r = parts[0];
  for (const FloatRange& part : parts) {
    r.min = part.min < r.min ? part.min : r.min;
    r.max = part.max > r.max ? part.max : r.max;
  }
  return settled(r);
}

struct Parameters {
  float scale;
  int32_t zero_point;
};

inline Parameters asymmetric(FloatRange r) {
  const float low = r.min < 0.0F ? r.min : 0.0F;
  const float high = r.max > 0.0F ? r.max : 0.0F;
  if (high == low) return {1.0F, 0};
  const float scale = (high - low) / 255.0F;
  const float zero = (0.0F - low) / scale;
  if (!(zero == zero)) return {scale, 0};
  const int32_t rounded = _mm_cvtss_si32(_mm_set_ss(zero < 255.0F ? zero : 255.0F));
  return {scale, rounded};
}

inline Parameters symmetric(FloatRange r) {
  const float largest = -r.min > r.max ? -r.min : r.max;
  return {largest > 0.0F ? largest / 127.0F : 1.0F, 0};
}

inline void dynamic(const float* in, size_t count, uint8_t* out, float* scale, uint8_t* zero_point,
                    Parallel& parallel) {
  const Parameters p = asymmetric(range(in, count, parallel));
  *scale = p.scale;
  *zero_point = static_cast<uint8_t>(p.zero_point);
  const Codes codes(p.zero_point, 0, 255);
  auto work = [&](size_t begin, size_t end) {
    quantize_run<Element::u8>(in, out, begin, end, p.scale, codes);
  };
  parallel.for_ranges(count, kGrain, work);
}

inline void dynamic_rows(const DynamicRowsArgs& a, Parallel& parallel) {
  const size_t in_stride = a.in_stride == 0 ? a.columns : a.in_stride;
  const size_t out_stride = a.out_stride == 0 ? a.columns : a.out_stride;
  auto work = [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      const float* in = a.in + row * in_stride;
      const FloatRange r = settled(extremes(in, a.columns));
      const Parameters p = a.out_signed ? symmetric(r) : asymmetric(r);
      a.scale[row] = p.scale;
      a.zero_point[row] = p.zero_point;
      quantize_run<Element::u8>(
          in, static_cast<uint8_t*>(a.out) + row * out_stride, 0, a.columns, p.scale,
          Codes(p.zero_point, a.out_signed ? -128 : 0, a.out_signed ? 127 : 255));
    }
  };
  parallel.for_ranges(a.rows, 1 + kGrain / larger(a.columns, 1), work);
}
