#include "kernels/reduce_f32/vector.h"

namespace octet::kernels {

extern const ReduceF32Table reduce_f32_avx512vnni;
const ReduceF32Table reduce_f32_avx512vnni = {row, columns};

}  // namespace octet::kernels
