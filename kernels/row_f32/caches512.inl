// Attention over caches that grow by a key, where registers store some of their lanes at once: K
// and V are multiplied by as they are copied.

namespace octet::kernels {
namespace {

// A run of floats from one place to another, in whole registers but for the end.
inline __attribute__((always_inline)) void move(const float* from, size_t count, float* to) {
  for (size_t i = 0; i < count; i += kLanes) {
    const Mask16 some = simd::first(count - i < kLanes ? count - i : kLanes);
    simd::store(to + i, simd::load(from + i, some), some);
  }
}

// Keys of a row of K: lanes before the last one from what is kept, the last one new. Rows of eight
// keys go through half a register, which seldom lies across two lines of the cache.
template <bool kHalf>
inline __attribute__((always_inline)) F32x16 grow(const float* kept, float fresh, size_t keys,
                                                  float* to) {
  const Mask16 old = simd::first(keys - 1), all = simd::first(keys);
  if constexpr (kHalf) {
    const auto low = [](Mask16 mask) { return static_cast<__mmask8>(mask.m); };
    const __m256 k = _mm256_mask_blend_ps(low(old), _mm256_set1_ps(fresh),
                                          _mm256_maskz_loadu_ps(low(old), kept));
    _mm256_mask_storeu_ps(to, low(all), k);
    return {_mm512_castps256_ps512(k)};
  } else {
    const F32x16 k = simd::select(old, simd::load(kept, old), simd::set(fresh));
    simd::store(to, k, all);
    return k;
  }
}

// Four rows of scores: as narrow_rows over K, which is made.
template <bool kHalf>
inline FourRows score_grown(const RowCachesArgs& args, size_t row) {
  // Copies, which no store can change.
  const RowF32Args scores = args.attention.scores;
  const size_t keys = scores.columns, past = keys - 1, depth = scores.depth;
  const size_t kept_next = depth * past, next = depth * keys;
  const auto a_row = static_cast<size_t>(scores.a_row);
  const float* a = scores.a + row * a_row;
  const float* kept = args.kept_k + row * kept_next;
  const float* fresh = args.new_k + row * depth;
  float* to = args.k + row * next;
  const F32x16 zero = simd::set(0.0F), alpha = simd::set(scores.alpha);
  F32x16 y0 = zero, y1 = zero, y2 = zero, y3 = zero;
  for (size_t d = 0; d < depth; ++d, a += scores.a_step, kept += past, ++fresh, to += keys) {
    const auto added = [&](size_t r, F32x16 sum) __attribute__((always_inline)) {
      const F32x16 k = grow<kHalf>(kept + r * kept_next, fresh[r * depth], keys, to + r * next);
      return simd::fma(simd::set(a[r * a_row]), k, sum);
    };
    y0 = added(0, y0);
    y1 = added(1, y1);
    y2 = added(2, y2);
    y3 = added(3, y3);
  }
  return {{simd::fma(alpha, y0, zero), simd::fma(alpha, y1, zero), simd::fma(alpha, y2, zero),
           simd::fma(alpha, y3, zero)}};
}

// Two rows of probabilities times columns [c, c + kVectors registers) of V, which are made.
template <int kVectors>
inline __attribute__((always_inline)) void mix_block(const RowCachesArgs& args, size_t row,
                                                     const float* lines, size_t c, Mask16 last) {
  const size_t columns = args.attention.columns, keys = args.attention.scores.columns;
  const size_t next = (keys - 1) * columns;  // From a row's kept V to the next one's.
  const float* from = args.kept_v + row * next + c;
  float* to = args.v + row * keys * columns + c;
  size_t from_next = next;
  const F32x16 zero = simd::set(0.0F);
  F32x16 x0 = zero, x1 = zero, x2 = zero, y0 = zero, y1 = zero, y2 = zero;
  for (size_t k = 0; k < keys; ++k, from += columns, to += columns) {
    if (k + 1 == keys) {
      from = args.new_v + row * columns + c;
      from_next = columns;
    }
    const auto moved = [&](const float* source, float* target, int v)
        __attribute__((always_inline)) {
      if (v >= kVectors) return zero;
      const auto at = static_cast<size_t>(v) * kLanes;
      const F32x16 x = v + 1 == kVectors ? simd::load(source + at, last) : simd::load(source + at);
      v + 1 == kVectors ? simd::store(target + at, x, last) : simd::store(target + at, x);
      return x;
    };
    const F32x16 first = simd::set(lines[k]), second = simd::set(lines[kLanes + k]);
    const float* other = from + from_next;
    float* beside = to + keys * columns;
    x0 = simd::fma(first, moved(from, to, 0), x0);
    y0 = simd::fma(second, moved(other, beside, 0), y0);
    if (kVectors > 1) x1 = simd::fma(first, moved(from, to, 1), x1);
    if (kVectors > 1) y1 = simd::fma(second, moved(other, beside, 1), y1);
    if (kVectors > 2) x2 = simd::fma(first, moved(from, to, 2), x2);
    if (kVectors > 2) y2 = simd::fma(second, moved(other, beside, 2), y2);
  }
  const F32x16 one = simd::set(1.0F);
  float* y = args.attention.y + static_cast<ptrdiff_t>(row) * args.attention.y_row + c;
  put<kVectors>(x0, x1, x2, one, y, last);
  put<kVectors>(y0, y1, y2, one, y + args.attention.y_row, last);
}

inline void mix_grown(const RowCachesArgs& args, size_t row, const float* lines) {
  for_columns(
      args.attention.columns, [&]<int kVectors>(size_t c, Mask16 last)
                                  __attribute__((always_inline)) {
                                    mix_block<kVectors>(args, row, lines, c, last);
                                  });
}

// What is left of the rows: copied, then attended to.
inline void attend_rest(const RowCachesArgs& args, size_t row) {
  const size_t rows = args.attention.scores.rows, columns = args.attention.columns;
  const size_t depth = args.attention.scores.depth, keys = args.attention.scores.columns;
  const size_t past = keys - 1;
  for (size_t i = row * depth; i < rows * depth; ++i) {
    move(args.kept_k + i * past, past, args.k + i * keys);
    args.k[i * keys + past] = args.new_k[i];
  }
  for (size_t r = row; r < rows; ++r) {
    move(args.kept_v + r * past * columns, past * columns, args.v + r * keys * columns);
    move(args.new_v + r * columns, columns, args.v + (r * keys + past) * columns);
  }
  RowAttentionArgs rest = args.attention;
  rest.scores.rows = rows - row;
  rest.scores.a += static_cast<ptrdiff_t>(row) * rest.scores.a_row;
  rest.scores.b += static_cast<ptrdiff_t>(row) * rest.scores.b_next;
  rest.v += static_cast<ptrdiff_t>(row) * rest.v_next;
  rest.y += static_cast<ptrdiff_t>(row) * rest.y_row;
  attend(rest);
}

void attend_caches(const RowCachesArgs& args) {
  constexpr size_t kFour = 4;
  alignas(64) float lines[kFour * kLanes];
  const size_t rows = args.attention.scores.rows;
  const auto score =
      args.attention.scores.columns <= kLanes / 2 ? score_grown<true> : score_grown<false>;
  size_t row = 0;
  for (; row + kFour <= rows; row += kFour) {
    FourRows four = score(args, row);
    soften<kFour>(four.at, args.attention.scores.columns);
    for (size_t i = 0; i < kFour; ++i) simd::store(lines + i * kLanes, four.at[i]);
    for (size_t i = 0; i < kFour; i += 2) mix_grown(args, row + i, lines + i * kLanes);
  }
  if (row < rows) attend_rest(args, row);
}

}  // namespace
}  // namespace octet::kernels
