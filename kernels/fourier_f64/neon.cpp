#define OCTET_FOURIER_WIDTH 2
#include "kernels/fourier_f64/vector.h"

namespace octet::kernels {

extern const FourierF64Table fourier_f64_neon;
const FourierF64Table fourier_f64_neon = {transform, load_pairs, store_pairs};

}  // namespace octet::kernels
