#include "kernels/row_f32/vector.h"

namespace octet::kernels {

extern const RowF32Table row_f32_avx512vnni;
const RowF32Table row_f32_avx512vnni = {multiply, attend};

}  // namespace octet::kernels
