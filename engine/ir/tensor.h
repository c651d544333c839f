#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/ir/dtype.h"
#include "engine/ir/result.h"

namespace octet {

using Dims = std::vector<int64_t>;

/// The product of dims; nothing when an extent is negative or the product passes 2^62.
std::optional<int64_t> checked_count(std::span<const int64_t> dims);

/// An immutable tensor, row-major in logical axis order, that shares its bytes (a mapped file, the
/// heap) with whoever holds a copy. Packed 4-bit types hold two elements in a byte, low nibble
/// first. Little-endian.
class Tensor {
 public:
  Tensor() = default;
  /// Bytes owned by `owner` (a mapping, another tensor), or outliving the tensor when it is null.
  Tensor(DType dtype, Dims dims, std::span<const std::byte> bytes,
         std::shared_ptr<const void> owner);
  /// A copy of `values` in memory of its own.
  template <typename T>
  static Tensor of(const Dims& dims, std::span<const T> values) {
    return copy(kDType<T>, dims, std::as_bytes(values));
  }
  template <typename T>
  static Tensor of(const Dims& dims, const std::vector<T>& values) {
    return of(dims, std::span<const T>(values));
  }
  template <typename T>
  static Tensor scalar(T value) {
    return of(Dims{}, std::span<const T>(&value, 1));
  }
  static Tensor copy(DType dtype, Dims dims, std::span<const std::byte> bytes);
  static Tensor strings(Dims dims, std::vector<std::string> values);
  /// Zeroed memory of its own, writable through `writable` until it is shared.
  static Result<Tensor> zeros(DType dtype, Dims dims);

  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  size_t rank() const { return dims_.size(); }
  size_t count() const { return count_; }
  std::span<const std::byte> bytes() const { return bytes_; }
  /// Requires that dtype() is T's. The payload is aligned to T: misaligned spans are copied when
  /// the tensor is made.
  template <typename T>
  std::span<const T> as() const {
    assert(dtype_ == kDType<T>);
    return {reinterpret_cast<const T*>(bytes_.data()), count_};
  }
  const std::vector<std::string>& as_strings() const { return *strings_; }
  /// Elements of any integer or bool type as int64 (4-bit types included); empty for other types.
  std::vector<int64_t> to_int64() const;
  /// Elements of any float or integer type as float; empty for other types.
  std::vector<float> to_float() const;
  /// The same bytes under other dims of the same element count.
  Tensor reshaped(Dims dims) const;
  /// Only for a tensor just made by zeros(): the caller is its only holder.
  std::byte* writable() { return const_cast<std::byte*>(bytes_.data()); }
  template <typename T>
  T* writable_as() {
    assert(dtype_ == kDType<T>);
    return reinterpret_cast<T*>(writable());
  }

 private:
  DType dtype_ = DType::undefined;
  Dims dims_;
  size_t count_ = 0;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const std::vector<std::string>> strings_;
};

/// Same type, dims and bytes.
bool operator==(const Tensor& a, const Tensor& b);

}  // namespace octet
