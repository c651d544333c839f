#include "kernels/reduce_f32/vector.h"

namespace octet::kernels {

extern const ReduceF32Table reduce_f32_neon;
const ReduceF32Table reduce_f32_neon = {row, columns};

}  // namespace octet::kernels
