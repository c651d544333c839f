#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "octet/octet.hpp"

// Values of the Open Inference Protocol, version 2:
// https://github.com/kserve/open-inference-protocol

namespace octet::serve {

/// An element type by the protocol's name ("FP32"); null where it has none.
const char* datatype_of(octet_dtype dtype);
/// OCTET_LIST where there is no such type.
octet_dtype dtype_of_name(std::string_view datatype);
/// Bytes of an element that is a whole number of bytes; 0 of strings and other types.
size_t element_bytes(octet_dtype dtype);

/// A named tensor with bytes of its own. Strings are `texts`, numbers are `bytes`.
struct NamedTensor {
  std::string name;
  octet_dtype dtype = OCTET_FLOAT;
  std::vector<int64_t> dims;
  std::vector<std::byte> bytes;
  std::vector<std::string> texts;

  /// The dims' product; negative where an extent is, or where it passes 2^40.
  int64_t count() const;
};

/// Takes binary data (strings each after its length, 4 bytes, little-endian) for the tensor, whose
/// type and dims are set; or says what is wrong with it.
std::optional<std::string> read_packed(std::string_view bytes, NamedTensor& tensor);
/// A tensor's binary data.
std::string packed(const NamedTensor& tensor);

/// A tensor that octet takes. Its strings go to the end of `strings`, which has room for them and
/// so stays where it is.
TensorRef to_ref(const NamedTensor& tensor, std::vector<octet_string>& strings);
/// A copy of a result; `name` is its output's.
NamedTensor from_result(const octet_tensor& result, std::string name);

}  // namespace octet::serve
