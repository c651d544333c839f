// Codes of a curve at whole runs of floats, over the including file's Vec. Included inside an
// anonymous namespace after a curve file.

// `count` floats.
inline void curve_codes(const float* in, uint8_t* out, size_t count, const CurvePacker& packer) {
  constexpr size_t kVectors = sizeof(Vec::Float) == 32 ? 2 : 4;
  constexpr size_t kStep = kVectors * Vec::kLanes;
  const Vec::Float last = Vec::set(static_cast<float>(CodeCurve::kArguments - 1));
  for (size_t i = 0; i < count; i += kStep) {
    const size_t some = count - i < kStep ? count - i : kStep;
    Vec::Int arguments[kVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) {
      const size_t at = v * Vec::kLanes;
      const size_t lanes =
          some < at ? 0 : (some - at < Vec::kLanes ? some - at : size_t{Vec::kLanes});
      arguments[v] = Vec::round(Vec::min(last, Vec::load(in + i + at, lanes)));
    }
    packer.store(out + i, some, arguments);
  }
}

void curve(const float* in, uint8_t* out, size_t count, const CodeCurve& curve, bool is_signed,
           Parallel& parallel) {
  parallel.for_ranges(count, 16384, [&](size_t begin, size_t end) {
    curve_codes(in + begin, out + begin, end - begin, CurvePacker(curve, is_signed));
  });
}
