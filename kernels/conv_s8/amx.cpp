#include <immintrin.h>

#include "kernels/conv_s8/conv_s8.h"
#include "kernels/simd/unroll.h"

namespace octet::kernels {
namespace {

// Each stands on the ones before it.
// clang-format off
#include "kernels/simd/lanes512.inl"
#include "kernels/simd/tiles.inl"
#include "kernels/conv_s8/slots.inl"
#include "kernels/conv_s8/finish.inl"
#include "kernels/simd/apart.inl"
#include "kernels/conv_s8/codes512.inl"
#include "kernels/conv_s8/vnni512.inl"
#include "kernels/conv_s8/tile_amx.inl"
#include "kernels/conv_s8/panel.inl"
#include "kernels/conv_s8/bands.inl"
#include "kernels/conv_s8/driver.inl"
// clang-format on

}  // namespace

extern const ConvS8Table conv_s8_avx512vnni;

namespace {

/// Depths that no tile takes.
bool is_shallow(const ConvShape& s) {
  return s.kernel_h * s.kernel_w * (s.in_channels / s.groups) < kLeastDepth;
}

size_t packed_bytes_by_depth(const ConvShape& s) {
  return is_shallow(s) ? conv_s8_avx512vnni.packed_bytes(s) : packed_bytes(s);
}

void pack_by_depth(const ConvShape& s, const ConvWeights& w, void* packed) {
  is_shallow(s) ? conv_s8_avx512vnni.pack(s, w, packed) : pack(s, w, packed);
}

size_t scratch_bytes_by_depth(const ConvShape& s, size_t width) {
  return is_shallow(s) ? conv_s8_avx512vnni.scratch_bytes(s, width) : scratch_bytes(s, width);
}

void run_by_depth(const ConvShape& s, const void* packed, const ConvIo& io,
                  const ConvEpilogue& epilogue, void* scratch, Parallel& parallel) {
  is_shallow(s) ? conv_s8_avx512vnni.run(s, packed, io, epilogue, scratch, parallel)
                : run(s, packed, io, epilogue, scratch, parallel);
}

}  // namespace

extern const ConvS8Table conv_s8_amx;
const ConvS8Table conv_s8_amx{packed_bytes_by_depth, pack_by_depth, scratch_bytes_by_depth,
                              run_by_depth};

}  // namespace octet::kernels
