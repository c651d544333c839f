#define OCTET_FOURIER_WIDTH 4
#include "kernels/fourier_f64/vector.h"

namespace octet::kernels {

extern const FourierF64Table fourier_f64_avx2;
const FourierF64Table fourier_f64_avx2 = {transform, load_pairs, store_pairs};

}  // namespace octet::kernels
