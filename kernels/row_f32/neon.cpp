#include "kernels/row_f32/vector.h"

namespace octet::kernels {

extern const RowF32Table row_f32_neon;
const RowF32Table row_f32_neon = {multiply, attend, nullptr};

}  // namespace octet::kernels
