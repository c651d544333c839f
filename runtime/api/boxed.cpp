#include "runtime/api/boxed.h"

#include <string>

namespace octet::api {
namespace {

constexpr int kMaxDepth = 8;

Error bad(const std::string& where, const std::string& what) {
  return {ErrorCode::invalid_argument, where + ": " + what};
}

Result<Tensor> read(const octet_tensor& c, const std::string& where, int depth, bool owned) {
  Dims dims(c.dims, c.dims + c.rank);
  const auto count = checked_count(dims);
  if (!count) return invalid_data("{}: a negative or overflowing extent", where);
  const auto elements = static_cast<size_t>(*count);
  const auto lacks = [&](size_t each) {
    return elements > c.bytes / each || (elements > 0 && c.data == nullptr);
  };
  if (c.dtype == OCTET_STRING) {
    if (lacks(sizeof(octet_string))) return bad(where, "fewer strings than its dims need");
    const auto* strings = static_cast<const octet_string*>(c.data);
    std::vector<std::string> texts;
    for (size_t i = 0; i < elements; ++i) texts.emplace_back(strings[i].data, strings[i].size);
    return Tensor::strings(std::move(dims), std::move(texts));
  }
  if (c.dtype == OCTET_LIST) {
    if (depth == kMaxDepth) return bad(where, "lists are nested too deeply");
    if (c.rank != 1 || lacks(sizeof(octet_tensor)))
      return bad(where, "fewer entries than its dims need");
    const auto* entries = static_cast<const octet_tensor*>(c.data);
    std::vector<Tensor> list;
    for (size_t i = 0; i < elements; ++i) {
      OCTET_ASSIGN(Tensor entry, read(entries[i], where, depth + 1, true));
      list.push_back(std::move(entry));
    }
    return Tensor::list(std::move(list));
  }
  const auto dtype = static_cast<DType>(c.dtype);
  if (static_cast<int>(c.dtype) >= kDTypeCount || dtype_bits(dtype) == 0)
    return bad(where, "unknown element type");
  const size_t bytes = dtype_bytes(dtype, elements);
  if (bytes > c.bytes || (bytes > 0 && c.data == nullptr))
    return bad(where, "fewer bytes than its dims need");
  const std::span<const std::byte> view(static_cast<const std::byte*>(c.data), bytes);
  if (owned) return Tensor::copy(dtype, std::move(dims), view);
  return Tensor(dtype, std::move(dims), view, nullptr);
}

}  // namespace

Result<Tensor> from_c(const octet_tensor& c, const std::string& where) {
  return read(c, where, 0, false);
}

octet_tensor Views::of(const Tensor& tensor) {
  if (tensor.is_list()) {
    std::vector<octet_tensor> entries;
    for (const Tensor& entry : tensor.elements()) entries.push_back(of(entry));
    auto& kept = lists_.emplace_back(std::move(entries));
    const auto& dims = dims_.emplace_back(1, static_cast<int64_t>(kept.size()));
    return {OCTET_LIST, kept.data(), kept.size() * sizeof(octet_tensor), dims.data(), 1};
  }
  const Dims& dims = tensor.dims();
  if (tensor.dtype() == DType::string) {
    auto& kept = strings_.emplace_back();
    for (const std::string& text : tensor.as_strings()) kept.push_back({text.data(), text.size()});
    return {OCTET_STRING, kept.data(), kept.size() * sizeof(octet_string), dims.data(),
            dims.size()};
  }
  return {static_cast<octet_dtype>(tensor.dtype()), const_cast<std::byte*>(tensor.bytes().data()),
          tensor.bytes().size(), dims.data(), dims.size()};
}

}  // namespace octet::api
