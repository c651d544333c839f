#pragma once

#include "tests/conformance/cases.h"

namespace octet::conformance {

extern const Family kQuantizeLinear;
extern const Family kDequantizeLinear;
extern const Family kDynamicQuantizeLinear;
extern const Family kMatMulInteger;
extern const Family kConvInteger;
extern const Family kQLinearMatMul;
extern const Family kQLinearConv;
extern const Family kQdqConv;
extern const Family kQdqProduct;
extern const Family kQdqElementwise;
extern const Family kQdqRecurrent;
extern const Family kQdqAttention;
extern const Family kInt4Weights;

}  // namespace octet::conformance
