#include "kernels/row_f32/vector.h"
// After it.
#include "kernels/row_f32/caches512.inl"

namespace octet::kernels {

extern const RowF32Table row_f32_avx512vnni;
const RowF32Table row_f32_avx512vnni = {multiply, attend, attend_caches};

}  // namespace octet::kernels
