#include "engine/ir/tensor.h"

#include <algorithm>
#include <cstring>

#include "engine/ir/memory.h"
#include "engine/ir/small_float.h"
#include "engine/ir/stop.h"

namespace octet {
namespace {

constexpr int64_t kMaxCount = int64_t{1} << 62;
constexpr size_t kZeroedAtOnce = size_t{8} << 20;

}  // namespace

std::optional<int64_t> checked_count(std::span<const int64_t> dims) {
  int64_t count = 1;
  for (const int64_t dim : dims) {
    if (dim < 0 || __builtin_mul_overflow(count, dim, &count) || count > kMaxCount)
      return std::nullopt;
  }
  return count;
}

Tensor::Tensor(DType dtype, Dims dims, std::span<const std::byte> bytes,
               std::shared_ptr<const void> owner)
    : dtype_(dtype), dims_(std::move(dims)), bytes_(bytes), owner_(std::move(owner)) {
  settle();
}

void Tensor::view(DType dtype, std::span<const int64_t> dims, std::span<const std::byte> bytes) {
  dtype_ = dtype;
  dims_.assign(dims.begin(), dims.end());
  bytes_ = bytes;
  owner_.reset();
  strings_.reset();
  list_.reset();
  settle();
}

// Counts the elements, and copies those that aren't aligned.
void Tensor::settle() {
  count_ = static_cast<size_t>(checked_count(dims_).value_or(0));
  assert(bytes_.size() == dtype_bytes(dtype_, count_));
  const size_t element = static_cast<size_t>(std::max(dtype_bits(dtype_), 8)) / 8;
  if (reinterpret_cast<uintptr_t>(bytes_.data()) % element != 0)
    *this = copy(dtype_, dims_, bytes_);
}

Tensor Tensor::copy(DType dtype, Dims dims, std::span<const std::byte> bytes) {
  auto memory = allocate(bytes.size());
  if (!memory) throw AllocationError(std::move(memory).error());
  if (!bytes.empty()) std::memcpy(memory->get(), bytes.data(), bytes.size());
  const std::span<const std::byte> view(memory->get(), bytes.size());
  return {dtype, std::move(dims), view, *memory};
}

Tensor Tensor::strings(Dims dims, std::vector<std::string> values) {
  Tensor tensor;
  tensor.dtype_ = DType::string;
  tensor.dims_ = std::move(dims);
  tensor.count_ = values.size();
  tensor.strings_ = std::make_shared<const std::vector<std::string>>(std::move(values));
  return tensor;
}

Tensor Tensor::list(std::vector<Tensor> elements) {
  Tensor tensor;
  tensor.list_ = std::make_shared<const std::vector<Tensor>>(std::move(elements));
  return tensor;
}

Result<Tensor> Tensor::zeros(DType dtype, Dims dims) {
  const auto count = checked_count(dims);
  if (!count || *count > kMaxCount / 16)
    return Error{ErrorCode::limit, "a tensor has more elements than can be addressed"};
  if (dtype == DType::string)
    return strings(std::move(dims), std::vector<std::string>(static_cast<size_t>(*count)));
  const size_t size = dtype_bytes(dtype, static_cast<size_t>(*count));
  OCTET_ASSIGN(const auto memory, allocate(size));
  // The first touch of large memory is long work, too.
  for (size_t at = 0; at < size; at += kZeroedAtOnce) {
    if (at > 0) OCTET_RETURN_IF_ERROR(check_stop());
    std::memset(memory.get() + at, 0, std::min(kZeroedAtOnce, size - at));
  }
  const std::span<const std::byte> view(memory.get(), size);
  return Tensor(dtype, std::move(dims), view, memory);
}

std::vector<int64_t> Tensor::to_int64() const {
  std::vector<int64_t> out;
  if (dtype_is_packed_integer(dtype_)) {
    for (size_t i = 0; i < count_; ++i) out.push_back(read_packed(dtype_, bytes_.data(), i));
    return out;
  }
  using Types =
      TypeList<int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t, uint32_t, uint64_t, bool>;
  visit_dtype(dtype_, Types{}, [&]<typename T>() {
    const auto values = as<T>();
    out.reserve(values.size());
    for (const T value : values) out.push_back(static_cast<int64_t>(value));
  });
  return out;
}

std::vector<float> Tensor::to_float() const {
  std::vector<float> out;
  visit_dtype(dtype_, TypeList<float, double, Half, Bfloat16>{}, [&]<typename T>() {
    const auto values = as<T>();
    out.reserve(values.size());
    for (const T value : values) out.push_back(float_of(value));
  });
  if (dtype_is_small_float(dtype_)) {
    for (size_t i = 0; i < count_; ++i)
      out.push_back(small_float_value(dtype_, read_bits(dtype_, bytes_.data(), i)));
    return out;
  }
  if (!out.empty() || dtype_is_float(dtype_)) return out;
  for (const int64_t value : to_int64()) out.push_back(static_cast<float>(value));
  return out;
}

Tensor Tensor::reshaped(Dims dims) const {
  Tensor tensor = *this;
  assert(checked_count(dims) == static_cast<int64_t>(count_));
  tensor.dims_ = std::move(dims);
  return tensor;
}

Tensor Tensor::without_elements() const {
  // An address, so that the constant doesn't look absent.
  alignas(64) static const std::byte none[64] = {};
  Tensor tensor = *this;
  tensor.bytes_ = {none, 0};
  tensor.owner_.reset();
  return tensor;
}

bool operator==(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims()) return false;
  if (a.is_list() || b.is_list()) return a.is_list() && b.is_list() && a.elements() == b.elements();
  if (a.dtype() == DType::string) return a.as_strings() == b.as_strings();
  return std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
}

}  // namespace octet
