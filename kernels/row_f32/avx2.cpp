#include "kernels/row_f32/vector.h"

namespace octet::kernels {

extern const RowF32Table row_f32_avx2;
const RowF32Table row_f32_avx2 = {multiply, attend, nullptr};

}  // namespace octet::kernels
