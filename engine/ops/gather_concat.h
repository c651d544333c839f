#pragma once

#include <cstdint>
#include <tuple>

#include "engine/ops/fields.h"

namespace octet::ops {

/// octet.GatherConcat: Concat(Gather(table, rows, axis 0), tail), the latter along `axis`, which is
/// not the first. Table [R, ..., A, ...], rows int64 or int32 [N], tail [N, ..., B, ...]; the
/// result is [N, ..., A + B, ...].
struct GatherConcatAttrs {
  int64_t axis = 1;
  static constexpr auto fields() { return std::tuple{field("axis", &GatherConcatAttrs::axis)}; }
};

}  // namespace octet::ops
