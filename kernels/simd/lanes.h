#pragma once

// F32x16 of the instruction set that this file is compiled for.

#if defined(__ARM_NEON) || defined(OCTET_EMULATED_NEON)
#include "kernels/simd/neon.h"
#elif defined(__AVX512F__) || defined(OCTET_EMULATED_AVX512)
#include "kernels/simd/avx512.h"
#elif defined(__AVX2__)
#include "kernels/simd/avx2.h"
#else
#error "no instruction set with 16 lanes"
#endif
