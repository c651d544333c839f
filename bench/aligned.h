#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace octet::bench {

struct Free {
  void operator()(float* p) const { ::operator delete (p, std::align_val_t{64}); }
};

/// `size` floats on a cache line, filled with small values.
inline std::unique_ptr<float[], Free> floats(size_t size) {
  auto* data = static_cast<float*>(::operator new (size * 4 + 64, std::align_val_t{64}));
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<float>(i % 17) * 0.0625F - 0.5F;
  return std::unique_ptr<float[], Free>(data);
}

}  // namespace octet::bench
