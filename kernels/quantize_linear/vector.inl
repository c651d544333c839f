// quantize_linear over the sixteen lanes of a lanes file. Included inside an anonymous namespace
// after it, its fma and a bytes file.

constexpr size_t kGrain = 32768;
constexpr size_t kLanes = 16;
constexpr size_t kNearFloats = 6144;
constexpr size_t kAheadFloats =
    1024;  // across the end of a page, where a CPU asks for nothing ahead

inline size_t bytes_of(Element type) {
  if (type == Element::u8 || type == Element::s8) return 1;
  return type == Element::u16 || type == Element::s16 ? 2 : 4;
}

inline Ints load_element(const void* data, Element type, size_t i, size_t count) {
  const auto* at = static_cast<const uint8_t*>(data) + i * bytes_of(type);
  switch (type) {
    case Element::u8:
    case Element::s8: return load_codes(at, type == Element::s8, count);
    case Element::u16:
    case Element::s16:
      return load_words(reinterpret_cast<const uint16_t*>(at), type == Element::s16, count);
    default: return load_ints(reinterpret_cast<const int32_t*>(at), count);
  }
}

// Codes first to first + count of 4-bit ones, two a byte.
inline Ints load_nibbles(const void* data, bool is_signed, size_t first, size_t count) {
  const auto* at = static_cast<const uint8_t*>(data) + first / 2;
  return widen_codes(load_nibble_codes(at, first % 2 != 0, is_signed, count), is_signed);
}

inline void store_element(void* data, Element type, size_t i, size_t count, Ints codes) {
  auto* at = static_cast<uint8_t*>(data) + i * bytes_of(type);
  if (bytes_of(type) == 1)
    store_codes(at, count, codes);
  else
    store_words(reinterpret_cast<uint16_t*>(at), count, codes);
}

// Rounding keeps order, so clamping to whole numbers before it gives the same code. The value at
// which a lane is NaN is 0.
inline Ints to_codes(Floats value, Ints zero_point, Floats low, Floats high) {
  return add(to_ints(min(max(without_nan(value), low), high)), zero_point);
}

// Calls f(i, count, c, by_lane) over [begin, end) of [outer, channels, inner]: lanes of one channel
// c, or, when by_lane, of the channels from c on.
template <typename F>
inline __attribute__((always_inline)) void each_vector(size_t begin, size_t end, size_t channels,
                                                       size_t inner, F f) {
  const bool by_lane = inner == 1 && channels > 1;
  const size_t run = by_lane ? channels : inner;
  for (size_t i = begin; i < end;) {
    const size_t offset = i % run, row = i / run;
    const size_t stop = end - i < run - offset ? end : i + run - offset;
    size_t c = by_lane ? offset : row % channels;
    for (; i < stop; i += kLanes) {
      f(i, stop - i < kLanes ? stop - i : kLanes, c, by_lane);
      if (by_lane) c += kLanes;
    }
    i = stop;
  }
}

inline Floats scales(const float* scale, size_t c, size_t count, bool by_lane) {
  return by_lane ? load_floats(scale + c, count) : set_floats(scale[c]);
}
inline Ints zeros(const int32_t* zero_point, size_t c, size_t count, bool by_lane) {
  if (zero_point == nullptr) return set_ints(0);
  return by_lane ? load_ints(zero_point + c, count) : set_ints(zero_point[c]);
}

// Quotients by one scale, rounded as a division would round them: two steps of Markstein's from the
// rounded reciprocal (IBM J. Res. Dev. 34 (1990) 111). The second starts within one unit in the
// last place, where its theorem holds. Values are cut to where every code is saturated, so that
// nothing overflows; what underflows is far below half a step.
struct Divisor {
  explicit Divisor(float scale)
      : scale_(set_floats(scale)),
        reciprocal_(set_floats(1.0F / scale)),
        low_(set_floats(scale * -kReach)),
        high_(set_floats(scale * kReach)) {}
  /// Values are cut to where quotients are these whole numbers, of magnitudes below 2^22: quotients
  /// round to no others.
  Divisor(float scale, Floats low, Floats high) : Divisor(scale) {
    low_ = mul(low, scale_);
    high_ = mul(high, scale_);
  }
  static bool fits(float scale) { return scale > 0x1p-60F && scale < 0x1p60F; }
  Floats quotient(Floats value) const { return quotient_in_reach(hold(value, low_, high_)); }
  Floats quotient_in_reach(Floats v) const {
    Floats q = mul(v, reciprocal_);
    q = fma(fnma(q, scale_, v), reciprocal_, q);
    return fma(fnma(q, scale_, v), reciprocal_, q);
  }

 private:
  static constexpr float kReach = 0x1p20F;
  Floats scale_, reciprocal_, low_, high_;
};

void quantize_by_one(const QuantizeArgs& args, size_t begin, size_t end) {
  const QuantizeArgs a = args;  // Codes may be stored to any object that isn't local.
  const Ints zero = set_ints(a.zero_point == nullptr ? 0 : *a.zero_point);
  const Divisor divisor(*a.scale, to_floats(sub(set_ints(a.low), zero)),
                        to_floats(sub(set_ints(a.high), zero)));
  const auto some = [&](size_t i, size_t count) __attribute__((always_inline)) {
    __builtin_prefetch(a.in + i + kAheadFloats);
    // Of what a NaN becomes the lower half is 0.
    const Ints steps = to_ints(divisor.quotient(load_floats(a.in + i, count)));
    store_element(a.out, a.type, i, count, add(steps, zero));
  };
  size_t i = begin;
  for (; i + kLanes <= end; i += kLanes) some(i, kLanes);
  if (i < end) some(i, end - i);
}

void quantize_range(const QuantizeArgs& a, size_t begin, size_t end) {
  if (a.channels == 1 && Divisor::fits(*a.scale)) return quantize_by_one(a, begin, end);
  const Ints low = set_ints(a.low), high = set_ints(a.high);
  each_vector(
      begin, end, a.channels,
      a.inner, [&](size_t i, size_t count, size_t c, bool by_lane) __attribute__((always_inline)) {
        const Ints zero = zeros(a.zero_point, c, count, by_lane);
        const Floats value = div(load_floats(a.in + i, count), scales(a.scale, c, count, by_lane));
        store_element(a.out, a.type, i, count,
                      to_codes(value, zero, to_floats(sub(low, zero)), to_floats(sub(high, zero))));
      });
}

void quantize(const QuantizeArgs& a, Parallel& parallel) {
  parallel.for_ranges(a.outer * a.channels * a.inner, kGrain,
                      [&](size_t begin, size_t end) { quantize_range(a, begin, end); });
}

void dequantize(const DequantizeArgs& a, Parallel& parallel) {
  parallel.for_ranges(a.outer * a.channels * a.inner, kGrain, [&](size_t begin, size_t end) {
    each_vector(
        begin, end, a.channels, a.inner,
        [&](size_t i, size_t count, size_t c, bool by_lane) __attribute__((always_inline)) {
          const Ints code =
              sub(load_element(a.in, a.type, i, count), zeros(a.zero_point, c, count, by_lane));
          store_floats(a.out + i, count, mul(to_floats(code), scales(a.scale, c, count, by_lane)));
        });
  });
}

// Calls store(i, count, v) over the values of a run.
template <typename F>
inline __attribute__((always_inline)) void each_value(const CodeRunArgs& a, F store) {
  const bool by_lane = a.group == 1;
  const size_t run = by_lane ? a.count : a.group;
  for (size_t begin = 0, c = 0; begin < a.count; begin += run, ++c) {
    const size_t end = a.count - begin < run ? a.count : begin + run;
    for (size_t i = begin; i < end; i += kLanes) {
      const size_t count = end - i < kLanes ? end - i : kLanes, at = by_lane ? i : c;
      const Ints code = a.nibbles ? load_nibbles(a.in, a.type == Element::s8, a.first + i, count)
                                  : load_element(a.in, a.type, a.first + i, count);
      const Ints centred = sub(code, zeros(a.zero_point, at, count, by_lane));
      store(i, count, mul(to_floats(centred), scales(a.scale, at, count, by_lane)));
    }
  }
}

void code_run(const CodeRunArgs& a) {
  if (a.codes == nullptr)
    return each_value(
        a, [&](size_t i, size_t count, Floats v)
               __attribute__((always_inline)) { store_floats(a.out + i, count, v); });
  const QuantizeArgs& q = *a.codes;
  const Ints zero = set_ints(q.zero_point == nullptr ? 0 : *q.zero_point);
  const Floats low = to_floats(sub(set_ints(q.low), zero));
  const Floats high = to_floats(sub(set_ints(q.high), zero));
  const Divisor divisor(*q.scale);
  const bool fits = Divisor::fits(*q.scale);
  each_value(
      a, [&](size_t i, size_t count, Floats v) __attribute__((always_inline)) {
        const Floats quotient = fits ? divisor.quotient(v) : div(v, set_floats(*q.scale));
        store_element(q.out, q.type, i, count, to_codes(quotient, zero, low, high));
      });
}

void requantize(const RequantizeArgs& a, Parallel& parallel) {
  const Ints in_zero = set_ints(a.in_zero_point), out_zero = set_ints(a.out_zero_point);
  const Floats low = to_floats(sub(set_ints(a.low), out_zero));
  const Floats high = to_floats(sub(set_ints(a.high), out_zero));
  const Floats multiplier = set_floats(a.multiplier);
  parallel.for_ranges(a.count, kGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += kLanes) {
      const size_t count = end - i < kLanes ? end - i : kLanes;
      const Floats code = to_floats(sub(load_element(a.in, a.in_type, i, count), in_zero));
      store_element(a.out, a.out_type, i, count,
                    to_codes(mul(code, multiplier), out_zero, low, high));
    }
  });
}

FloatRange range(const float* in, size_t count, Parallel& /*parallel*/) {
  const float infinity = __builtin_inff();
  Floats low = set_floats(infinity), high = set_floats(-infinity);
  Floats low1 = low, high1 = high, low2 = low, high2 = high, low3 = low, high3 = high;
  // A lane that is NaN leaves the second operand.
  const auto widen = [in](size_t at, Floats & lower, Floats & upper)
      __attribute__((always_inline)) {
    const Floats v = load_floats(in + at, kLanes);
    lower = min(v, lower);
    upper = max(v, upper);
  };
  size_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
    widen(i, low, high);
    widen(i + kLanes, low1, high1);
    widen(i + 2 * kLanes, low2, high2);
    widen(i + 3 * kLanes, low3, high3);
  }
  for (; i + kLanes <= count; i += kLanes) widen(i, low, high);
  FloatRange r{min_lane(min(min(low, low1), min(low2, low3))),
               max_lane(max(max(high, high1), max(high2, high3)))};
  for (; i < count; ++i) {
    r.min = in[i] < r.min ? in[i] : r.min;
    r.max = in[i] > r.max ? in[i] : r.max;
  }
  if (r.min > r.max) return {};
  return {r.min + 0.0F, r.max + 0.0F};
}

struct Parameters {
  float scale;
  int32_t zero_point;
};

Parameters asymmetric(FloatRange r) {
  const float low = r.min < 0.0F ? r.min : 0.0F;
  const float high = r.max > 0.0F ? r.max : 0.0F;
  const float scale = high == low ? 1.0F : (high - low) / 255.0F;
  int32_t zero_point[kLanes];
  store_ints(zero_point, kLanes,
             to_codes(set_floats((0.0F - low) / scale), set_ints(0), set_floats(0.0F),
                      set_floats(255.0F)));
  return {scale, zero_point[0]};
}

Parameters symmetric(FloatRange r) {
  const float largest = -r.min > r.max ? -r.min : r.max;
  return {largest > 0.0F ? largest / 127.0F : 1.0F, 0};
}

QuantizeArgs row_args(const float* in, size_t count, void* out, bool is_signed,
                      const Parameters& p) {
  QuantizeArgs a;
  a.in = in;
  a.out = out;
  a.type = is_signed ? Element::s8 : Element::u8;
  a.inner = count;
  a.scale = &p.scale;
  a.zero_point = &p.zero_point;
  a.low = is_signed ? -128 : 0;
  a.high = is_signed ? 127 : 255;
  return a;
}

// Numbers by parameters of their own range: no quotient leaves reach, and none is below the lowest
// code, since rounding is symmetric.
void quantize_in_range(const float* in, size_t count, void* out, bool is_signed,
                       const Parameters& p) {
  if (!Divisor::fits(p.scale))
    return quantize_range(row_args(in, count, out, is_signed, p), 0, count);
  const Divisor divisor(p.scale);
  const Ints zero = set_ints(p.zero_point);
  const Floats high = to_floats(sub(set_ints(is_signed ? 127 : 255), zero));
  const auto store = [&](size_t i, size_t n) __attribute__((always_inline)) {
    const Floats value = without_nan(divisor.quotient_in_reach(load_floats(in + i, n)));
    store_codes(static_cast<uint8_t*>(out) + i, n, add(to_ints(min(value, high)), zero));
  };
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(i, kLanes);
  if (i < count) store(i, count - i);
}

void dynamic(const float* in, size_t count, uint8_t* out, float* scale, uint8_t* zero_point,
             Parallel& parallel) {
  const Parameters p = asymmetric(range(in, count, parallel));
  *scale = p.scale;
  *zero_point = static_cast<uint8_t>(p.zero_point);
  parallel.for_ranges(count, kGrain, [&](size_t begin, size_t end) {
    quantize_in_range(in + begin, end - begin, out + begin, false, p);
  });
}

void dynamic_rows(const DynamicRowsArgs& a, Parallel& parallel) {
  const size_t in_stride = a.in_stride == 0 ? a.columns : a.in_stride;
  const size_t out_stride = a.out_stride == 0 ? a.columns : a.out_stride;
  const size_t grain = kGrain / (a.columns + 1) + 1;
  // A few rows at a time, as many as stay in the first cache: the ends of their ranges overlap.
  const size_t together = kNearFloats / (a.columns + 1) + 1;
  parallel.for_ranges(a.rows, grain, [&](size_t begin, size_t end) {
    for (; begin < end; begin += together) {
      const size_t stop = end - begin < together ? end : begin + together;
      for (size_t row = begin; row < stop; ++row) {
        const FloatRange r = range(a.in + row * in_stride, a.columns, parallel);
        const Parameters p = a.out_signed ? symmetric(r) : asymmetric(r);
        a.scale[row] = p.scale;
        a.zero_point[row] = p.zero_point;
      }
      for (size_t row = begin; row < stop; ++row)
        quantize_in_range(a.in + row * in_stride, a.columns,
                          static_cast<uint8_t*>(a.out) + row * out_stride, a.out_signed,
                          {a.scale[row], a.zero_point[row]});
    }
  });
}
