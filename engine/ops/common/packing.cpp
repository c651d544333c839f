#include "engine/ops/packing.h"

#include "engine/ir/memory.h"

namespace octet {

PackLayout::PackLayout(std::string_view kernel, Isa isa) {
  with(std::as_bytes(std::span(kernel)));
  with(std::as_bytes(std::span(isa_name(isa))));
}

PackLayout& PackLayout::with(int64_t number) { return with(std::as_bytes(std::span(&number, 1))); }

PackLayout& PackLayout::with(std::span<const int32_t> numbers) {
  return with(std::as_bytes(numbers));
}

PackLayout& PackLayout::with(const Tensor& tensor) {
  with(static_cast<int64_t>(tensor.dtype()));
  with(std::as_bytes(std::span(tensor.dims())));
  return with(tensor.bytes());
}

PackLayout& PackLayout::with(const QuantPtr& quant) {
  if (!quant) return with(int64_t{0});
  with(int64_t{1}).with(static_cast<int64_t>(quant->storage)).with(int64_t{quant->axis});
  return with(quant->block).with(quant->scale).with(quant->zero_point);
}

// Every part is led by its size, so that no two lists of parts give the same bytes.
PackLayout& PackLayout::with(std::span<const std::byte> bytes) {
  const uint64_t size = bytes.size();
  const auto prefix = std::as_bytes(std::span(&size, 1));
  bytes_.insert(bytes_.end(), prefix.begin(), prefix.end());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Result<Tensor> pack_alone(size_t size, PackFunction pack) {
  OCTET_ASSIGN(const auto memory, allocate_lasting(size));
  pack(memory.get());
  const std::span<const std::byte> bytes(memory.get(), size);
  return Tensor(DType::u8, {static_cast<int64_t>(size)}, bytes, memory);
}

}  // namespace octet
