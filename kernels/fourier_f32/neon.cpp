#define OCTET_FOURIER_WIDTH 4
#include "kernels/fourier_f32/vector.h"

namespace octet::kernels {

extern const FourierF32Table fourier_f32_neon;
const FourierF32Table fourier_f32_neon = {transform, load_frames, power, sum_bands};

}  // namespace octet::kernels
