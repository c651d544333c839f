#include "tests/conformance/families.h"

namespace octet::conformance {

std::span<const Family> families() {
  static const Family all[] = {kQuantizeLinear, kDequantizeLinear, kDynamicQuantizeLinear,
                               kMatMulInteger,  kConvInteger,      kQLinearMatMul,
                               kQLinearConv,    kQdqConv,          kQdqProduct,
                               kQdqElementwise, kQdqRecurrent,     kQdqAttention,
                               kInt4Weights};
  return all;
}

}  // namespace octet::conformance
