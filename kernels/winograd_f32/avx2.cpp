#include "kernels/winograd_f32/vector.h"

namespace octet::kernels {

extern const WinogradF32Table winograd_f32_avx2;
const WinogradF32Table winograd_f32_avx2 = {read_window, write_tile};

}  // namespace octet::kernels
