#include "kernels/softmax_f32/vector.h"

namespace octet::kernels {

extern const SoftmaxF32Table softmax_f32_avx2;
const SoftmaxF32Table softmax_f32_avx2 = {row, rows, columns, codes, fill};

}  // namespace octet::kernels
