#include "kernels/winograd_f32/vector.h"

namespace octet::kernels {

extern const WinogradF32Table winograd_f32_avx512vnni;
const WinogradF32Table winograd_f32_avx512vnni = {read_window, write_tile};

}  // namespace octet::kernels
