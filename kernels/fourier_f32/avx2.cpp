#define OCTET_FOURIER_WIDTH 8
#include "kernels/fourier_f32/vector.h"

namespace octet::kernels {

extern const FourierF32Table fourier_f32_avx2;
const FourierF32Table fourier_f32_avx2 = {transform, load_frames, power, sum_bands};

}  // namespace octet::kernels
