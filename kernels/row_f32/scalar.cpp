#include "kernels/simd/scalar.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/row_f32/row_f32.h"

namespace octet::kernels {
namespace {

void multiply(const RowF32Args& args) {
  for (size_t r = 0; r < args.rows; ++r)
    for (size_t c = 0; c < args.columns; ++c) {
      float sum = 0.0F;
      const float* a = args.a + static_cast<ptrdiff_t>(r) * args.a_row;
      const float* b = args.b + static_cast<ptrdiff_t>(r) * args.b_next + c;
      for (size_t k = 0; k < args.depth; ++k, a += args.a_step, b += args.b_row)
        sum = std::fma(*a, *b, sum);
      args.y[static_cast<ptrdiff_t>(r) * args.y_row + static_cast<ptrdiff_t>(c)] =
          std::fma(args.alpha, sum, 0.0F);
    }
}

void soften(float* x, size_t axis) {
  const float max =
      simd::combine_lanes(axis, -std::numeric_limits<float>::infinity(), simd::max,
                          [&](float lane, size_t i) { return simd::max(lane, x[i]); });
  const float inverse = 1.0F / simd::sum_lanes(axis, [&](float lane, size_t i) {
                          return lane + (x[i] = math::exp(x[i] - max));
                        });
  for (size_t i = 0; i < axis; ++i) x[i] *= inverse;
}

void attend(const RowAttentionArgs& args) {
  float line[kAttendedKeys];
  for (size_t r = 0; r < args.scores.rows; ++r) {
    const auto row = static_cast<ptrdiff_t>(r);
    RowF32Args scores = args.scores;
    scores.a += row * scores.a_row;
    scores.b += row * scores.b_next;
    scores.rows = 1;
    scores.y = line;
    multiply(scores);
    soften(line, scores.columns);
    RowF32Args mixed;
    mixed.a = line;
    mixed.b = args.v + row * args.v_next;
    mixed.b_row = args.v_row;
    mixed.depth = scores.columns;
    mixed.columns = args.columns;
    mixed.y = args.y + row * args.y_row;
    multiply(mixed);
  }
}

// Runs of `kept` floats, each with its `added` ones behind.
void lengthen(const float* kept, size_t kept_count, const float* added, size_t added_count,
              size_t runs, float* to) {
  for (size_t i = 0; i < runs; ++i, kept += kept_count, added += added_count)
    to = std::copy_n(added, added_count, std::copy_n(kept, kept_count, to));
}

void attend_caches(const RowCachesArgs& args) {
  const RowAttentionArgs& attention = args.attention;
  const size_t rows = attention.scores.rows, past = attention.scores.columns - 1;
  lengthen(args.kept_k, past, args.new_k, 1, rows * attention.scores.depth, args.k);
  lengthen(args.kept_v, past * attention.columns, args.new_v, attention.columns, rows, args.v);
  attend(attention);
}

}  // namespace

extern const RowF32Table row_f32_scalar;
const RowF32Table row_f32_scalar = {multiply, attend, attend_caches};

}  // namespace octet::kernels
