#include "kernels/convert/convert.h"

namespace octet::kernels {
namespace {

template <typename From, typename To, To (*kConvert)(From)>
void map(const From* x, To* y, size_t count) {
  for (size_t i = 0; i < count; ++i) y[i] = kConvert(x[i]);
}

}  // namespace

extern const ConvertTable convert_scalar;
const ConvertTable convert_scalar = {map<Half, float, to_float>, map<float, Half, to_half>,
                                     map<Bfloat16, float, to_float>,
                                     map<float, Bfloat16, to_bfloat16>};

}  // namespace octet::kernels
