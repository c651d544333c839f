#pragma once

#include <cstddef>
#include <memory>

#include "engine/ir/result.h"

namespace octet::runtime {

/// Memory that grows and stays.
struct GrowingMemory {
  std::shared_ptr<std::byte> data;
  size_t bytes = 0;

  /// Makes it at least `size` bytes, and half as large again as it was: a length that grows from
  /// run to run then seldom needs more. What it held is lost.
  Status grow(size_t size);
};

}  // namespace octet::runtime
