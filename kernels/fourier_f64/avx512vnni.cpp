#define OCTET_FOURIER_WIDTH 8
#include "kernels/fourier_f64/vector.h"

namespace octet::kernels {

extern const FourierF64Table fourier_f64_avx512vnni;
const FourierF64Table fourier_f64_avx512vnni = {transform, load_pairs, store_pairs};

}  // namespace octet::kernels
