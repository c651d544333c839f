#include "kernels/reduce_f32/vector.h"

namespace octet::kernels {

extern const ReduceF32Table reduce_f32_avx2;
const ReduceF32Table reduce_f32_avx2 = {row, columns};

}  // namespace octet::kernels
