#pragma once

// transpose8x8 of the instruction set that this file is compiled for.

#if defined(__ARM_NEON) || defined(OCTET_EMULATED_NEON)
#include "kernels/simd/transpose_neon.h"
#else
#include "kernels/simd/transpose_x86.h"
#endif
