#include <immintrin.h>

#include "kernels/gemm_s8/gemm_s8.h"

namespace octet::kernels {
namespace {

#include "kernels/gemm_s8/epilogue.inl"
#include "kernels/gemm_s8/pack.inl"
#include "kernels/gemm_s8/vec256.inl"

using Vec = Vec256;

struct Dot {
  using Int = __m256i;
  static constexpr size_t kLanes = 8;
  static Int zero() { return _mm256_setzero_si256(); }
  static Int load(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Int broadcast(int32_t v) { return _mm256_set1_epi32(v); }
  static Int broadcast_load(const uint8_t* p) {
    int32_t v;
    __builtin_memcpy(&v, p, sizeof(v));
    return _mm256_set1_epi32(v);
  }
  static Int dot(Int acc, Int u8, Int s8) { return _mm256_dpbusd_avx_epi32(acc, u8, s8); }
  static Int add(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static void store(int32_t* p, Int v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
};

constexpr size_t kPanelVectors = 2;
#include "kernels/gemm_s8/vnni.inl"

}  // namespace

extern const GemmS8Table gemm_s8_avxvnni;
const GemmS8Table gemm_s8_avxvnni = {kRows,         kPanel,  packed_bytes, pack,
                                     scratch_bytes, prepare, tile};

}  // namespace octet::kernels
