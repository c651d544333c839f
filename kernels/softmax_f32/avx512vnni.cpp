#include "kernels/softmax_f32/vector.h"

namespace octet::kernels {

extern const SoftmaxF32Table softmax_f32_avx512vnni;
const SoftmaxF32Table softmax_f32_avx512vnni = {row, rows, columns, codes, fill};

}  // namespace octet::kernels
