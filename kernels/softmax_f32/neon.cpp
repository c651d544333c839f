#include "kernels/softmax_f32/vector.h"

namespace octet::kernels {

extern const SoftmaxF32Table softmax_f32_neon;
const SoftmaxF32Table softmax_f32_neon = {row, rows, columns, codes, fill};

}  // namespace octet::kernels
