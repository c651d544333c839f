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
/// heap) with whoever holds a copy. Types below 8 bits are packed, the first element in the lowest
/// bits of a byte. Little-endian.
///
/// A Tensor is boxed where it has no bytes: strings, and lists, which stand for what isn't a
/// tensor: a sequence is the list of its elements, an optional the list of none or one, a map the
/// list of its keys and its values (two tensors of one axis).
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
  /// Makes this tensor one of bytes that outlive it. Allocates only where it had fewer dims before,
  /// or where the bytes aren't aligned to the element.
  void view(DType dtype, std::span<const int64_t> dims, std::span<const std::byte> bytes);
  static Tensor copy(DType dtype, Dims dims, std::span<const std::byte> bytes);
  static Tensor strings(Dims dims, std::vector<std::string> values);
  /// A boxed list; its dtype is undefined, its dims are none.
  static Tensor list(std::vector<Tensor> elements);
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
    assert(dtype_ == kDType<T> && has_elements());
    return {reinterpret_cast<const T*>(bytes_.data()), count_};
  }
  const std::vector<std::string>& as_strings() const { return *strings_; }
  bool is_list() const { return list_ != nullptr; }
  bool boxed() const { return is_list() || dtype_ == DType::string; }
  /// Requires is_list().
  const std::vector<Tensor>& elements() const { return *list_; }
  /// Elements of any integer or bool type as int64 (packed ones included); empty for other types.
  std::vector<int64_t> to_int64() const;
  /// Elements of any float type (float8 and float4 included), integer or bool as float; empty for
  /// other types.
  std::vector<float> to_float() const;
  /// The same bytes under other dims of the same element count.
  Tensor reshaped(Dims dims) const;
  /// The type and dims alone: for a constant whose elements nobody reads any more.
  Tensor without_elements() const;
  bool has_elements() const { return bytes_.size() == dtype_bytes(dtype_, count_); }
  /// Only for a tensor just made by zeros(): the caller is its only holder.
  std::byte* writable() { return const_cast<std::byte*>(bytes_.data()); }
  template <typename T>
  T* writable_as() {
    assert(dtype_ == kDType<T>);
    return reinterpret_cast<T*>(writable());
  }

 private:
  void settle();

  DType dtype_ = DType::undefined;
  Dims dims_;
  size_t count_ = 0;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const std::vector<std::string>> strings_;
  std::shared_ptr<const std::vector<Tensor>> list_;
};

/// Same type, dims and bytes.
bool operator==(const Tensor& a, const Tensor& b);

}  // namespace octet
