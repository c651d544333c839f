#include "runtime/memory/growing.h"

#include <algorithm>

#include "engine/ir/memory.h"

namespace octet::runtime {

Status GrowingMemory::grow(size_t size) {
  if (size <= bytes && data != nullptr) return {};
  size_t wanted = std::max(size, bytes + bytes / 2);
  data.reset();
  bytes = 0;
  auto made = allocate(wanted);
  if (!made && wanted > size) made = allocate(wanted = size);
  if (!made) return std::move(made).error();
  data = std::move(*made);
  bytes = wanted;
  return {};
}

}  // namespace octet::runtime
