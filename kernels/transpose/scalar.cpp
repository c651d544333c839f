#include <cstring>

#include "kernels/transpose/transpose.h"

namespace octet::kernels {
namespace {

void run(const TransposeArgs& a, Parallel& parallel) {
  size_t out_dims[kMaxTransposeRank] = {};
  size_t in_strides[kMaxTransposeRank] = {};  // in elements, by output axis
  size_t count = 1;
  for (size_t i = 0; i < a.rank; ++i) {
    out_dims[i] = a.in_dims[a.permutation[i]];
    in_strides[i] = 1;
    for (size_t j = a.permutation[i] + 1; j < a.rank; ++j) in_strides[i] *= a.in_dims[j];
    count *= out_dims[i];
  }
  parallel.for_ranges(count, 4096, [&](size_t begin, size_t end) {
    for (size_t at = begin; at < end; ++at) {
      size_t from = 0;
      size_t rest = at;
      for (size_t i = a.rank; i-- > 0; rest /= out_dims[i])
        from += rest % out_dims[i] * in_strides[i];
      std::memcpy(static_cast<char*>(a.out) + at * a.element_bytes,
                  static_cast<const char*>(a.in) + from * a.element_bytes, a.element_bytes);
    }
  });
}

}  // namespace

extern const TransposeTable transpose_scalar;
const TransposeTable transpose_scalar{run};

}  // namespace octet::kernels
