#include "serve/tensor.h"

#include <cstring>

namespace octet::serve {
namespace {

struct Row {
  octet_dtype dtype;
  const char* name;
  size_t bytes;
};
constexpr Row kTypes[] = {
    {OCTET_BOOL, "BOOL", 1},     {OCTET_UINT8, "UINT8", 1},   {OCTET_UINT16, "UINT16", 2},
    {OCTET_UINT32, "UINT32", 4}, {OCTET_UINT64, "UINT64", 8}, {OCTET_INT8, "INT8", 1},
    {OCTET_INT16, "INT16", 2},   {OCTET_INT32, "INT32", 4},   {OCTET_INT64, "INT64", 8},
    {OCTET_FLOAT16, "FP16", 2},  {OCTET_FLOAT, "FP32", 4},    {OCTET_DOUBLE, "FP64", 8},
    {OCTET_BFLOAT16, "BF16", 2}, {OCTET_STRING, "BYTES", 0},
};

const Row* row_of(octet_dtype dtype) {
  for (const Row& row : kTypes)
    if (row.dtype == dtype) return &row;
  return nullptr;
}

std::string packed_texts(const std::vector<std::string>& texts) {
  std::string bytes;
  for (const std::string& text : texts) {
    const auto size = static_cast<uint32_t>(text.size());
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(size >> shift);
    bytes += text;
  }
  return bytes;
}

std::optional<std::vector<std::string>> unpacked_texts(std::string_view bytes, size_t count) {
  std::vector<std::string> texts;
  while (!bytes.empty()) {
    if (bytes.size() < 4 || texts.size() == count) return std::nullopt;
    size_t size = 0;
    for (size_t i = 0; i < 4; ++i)
      size |= static_cast<size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    bytes.remove_prefix(4);
    if (size > bytes.size()) return std::nullopt;
    texts.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  if (texts.size() != count) return std::nullopt;
  return texts;
}

}  // namespace

const char* datatype_of(octet_dtype dtype) {
  const Row* row = row_of(dtype);
  return row == nullptr ? nullptr : row->name;
}

octet_dtype dtype_of_name(std::string_view datatype) {
  for (const Row& row : kTypes)
    if (datatype == row.name) return row.dtype;
  return OCTET_LIST;
}

size_t element_bytes(octet_dtype dtype) {
  const Row* row = row_of(dtype);
  return row == nullptr ? 0 : row->bytes;
}

int64_t NamedTensor::count() const {
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t product = 1;
  for (const int64_t extent : dims) {
    if (extent < 0 || (extent > 0 && product > kMost / extent)) return -1;
    product *= extent;
  }
  return product;
}

std::optional<std::string> read_packed(std::string_view bytes, NamedTensor& tensor) {
  const auto count = static_cast<size_t>(tensor.count());
  if (tensor.dtype == OCTET_STRING) {
    auto texts = unpacked_texts(bytes, count);
    if (!texts) return "its bytes aren't as many strings as its shape says";
    tensor.texts = std::move(*texts);
    return std::nullopt;
  }
  const size_t needed = count * element_bytes(tensor.dtype);
  if (bytes.size() != needed)
    return "it has " + std::to_string(bytes.size()) + " bytes, its shape needs " +
           std::to_string(needed);
  const auto* from = reinterpret_cast<const std::byte*>(bytes.data());
  tensor.bytes.assign(from, from + bytes.size());
  return std::nullopt;
}

std::string packed(const NamedTensor& tensor) {
  if (tensor.dtype == OCTET_STRING) return packed_texts(tensor.texts);
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

TensorRef to_ref(const NamedTensor& tensor, std::vector<octet_string>& strings) {
  if (tensor.dtype != OCTET_STRING)
    return {tensor.dtype, const_cast<std::byte*>(tensor.bytes.data()), tensor.bytes.size(),
            tensor.dims};
  octet_string* mine = strings.data() + strings.size();
  for (const std::string& text : tensor.texts) strings.push_back({text.data(), text.size()});
  return {OCTET_STRING, mine, tensor.texts.size() * sizeof(octet_string), tensor.dims};
}

NamedTensor from_result(const octet_tensor& result, std::string name) {
  NamedTensor made;
  made.name = std::move(name);
  made.dtype = result.dtype;
  made.dims.assign(result.dims, result.dims + result.rank);
  if (result.dtype == OCTET_STRING) {
    const auto* texts = static_cast<const octet_string*>(result.data);
    for (size_t i = 0; i < result.bytes / sizeof(octet_string); ++i)
      made.texts.emplace_back(texts[i].data, texts[i].size);
    return made;
  }
  const auto* bytes = static_cast<const std::byte*>(result.data);
  made.bytes.assign(bytes, bytes + result.bytes);
  return made;
}

}  // namespace octet::serve
