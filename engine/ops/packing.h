#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/ir/type.h"
#include "kernels/cpu/isa.h"
#include "kernels/parallel.h"

namespace octet {

/// What packed weights depend on besides the constant that they are made of.
class PackLayout {
 public:
  /// `kernel` and `isa` name whose order of elements it is.
  PackLayout(std::string_view kernel, Isa isa);
  /// Further facts, in an order of the kernel's own.
  PackLayout& with(int64_t number);
  PackLayout& with(std::span<const int32_t> numbers);
  PackLayout& with(std::span<const std::byte> bytes);
  PackLayout& with(const Tensor& tensor);
  /// How the constant is quantized; null: it isn't.
  PackLayout& with(const QuantPtr& quant);

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Writes packed weights into zeroed memory.
using PackFunction = FunctionRef<void(std::byte* packed)>;

/// Where prepared steps get packed weights.
class PackedWeights {
 public:
  virtual ~PackedWeights() = default;
  /// `size` bytes, 64-byte aligned, that `pack` made now or earlier of a constant equal to `source`
  /// for the same layout. `port` is the input that has the constant: from now on nothing reads the
  /// port's bytes, only its dims.
  virtual Result<Tensor> get(size_t port, const Tensor& source, const PackLayout& layout,
                             size_t size, PackFunction pack) = 0;
};

/// Packs without any sharing.
Result<Tensor> pack_alone(size_t size, PackFunction pack);

}  // namespace octet
