#include "engine/ir/tensor.h"

#include <algorithm>
#include <cstring>

#include "engine/ir/memory.h"

namespace octet {
namespace {

constexpr int64_t kMaxCount = int64_t{1} << 62;

int64_t nibble(std::span<const std::byte> bytes, size_t i, bool is_signed) {
  const auto code = (static_cast<unsigned>(bytes[i / 2]) >> (i % 2 * 4)) & 0xFU;
  return is_signed && code > 7 ? static_cast<int64_t>(code) - 16 : static_cast<int64_t>(code);
}

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

Result<Tensor> Tensor::zeros(DType dtype, Dims dims) {
  const auto count = checked_count(dims);
  if (!count || *count > kMaxCount / 16)
    return Error{ErrorCode::limit, "a tensor has more elements than can be addressed"};
  const size_t size = dtype_bytes(dtype, static_cast<size_t>(*count));
  OCTET_ASSIGN(const auto memory, allocate(size));
  std::memset(memory.get(), 0, size);
  const std::span<const std::byte> view(memory.get(), size);
  return Tensor(dtype, std::move(dims), view, memory);
}

std::vector<int64_t> Tensor::to_int64() const {
  std::vector<int64_t> out;
  if (dtype_ == DType::s4 || dtype_ == DType::u4) {
    for (size_t i = 0; i < count_; ++i) out.push_back(nibble(bytes_, i, dtype_ == DType::s4));
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

bool operator==(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.dims() != b.dims()) return false;
  if (a.dtype() == DType::string) return a.as_strings() == b.as_strings();
  return std::equal(a.bytes().begin(), a.bytes().end(), b.bytes().begin(), b.bytes().end());
}

}  // namespace octet
