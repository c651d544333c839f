#include <cmath>

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

}  // namespace

extern const RowF32Table row_f32_scalar;
const RowF32Table row_f32_scalar = {multiply};

}  // namespace octet::kernels
