#define OCTET_FOURIER_WIDTH 16
#include "kernels/fourier_f32/vector.h"

namespace octet::kernels {

extern const FourierF32Table fourier_f32_avx512vnni;
const FourierF32Table fourier_f32_avx512vnni = {transform, load_frames, power, sum_bands};

}  // namespace octet::kernels
