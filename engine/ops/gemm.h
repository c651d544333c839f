#pragma once

#include <cstdint>
#include <tuple>

#include "engine/ops/epilogue.h"
#include "engine/ops/fields.h"

namespace octet::ops {

/// activation(alpha * A' B' + beta * C + residual). Inputs: A, B, C (may be absent), then the
/// residual when the epilogue has one.
struct GemmAttrs {
  float alpha = 1.0F;
  float beta = 1.0F;
  int64_t trans_a = 0;
  int64_t trans_b = 0;
  Epilogue epilogue = {};  ///< Set by fusion alone.
  static constexpr auto fields() {
    return std::tuple{field("alpha", &GemmAttrs::alpha), field("beta", &GemmAttrs::beta),
                      field("transA", &GemmAttrs::trans_a), field("transB", &GemmAttrs::trans_b)};
  }
};

}  // namespace octet::ops
