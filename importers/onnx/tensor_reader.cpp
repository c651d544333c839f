#include "importers/onnx/tensor_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "engine/ir/bools.h"
#include "engine/ir/memory.h"
#include "engine/ir/type.h"
#include "importers/onnx/wire.h"
#include "octet_onnx.pb.h"

namespace octet::onnx {
namespace {

using octet_onnx::TensorProto;

// Smaller tensors are copied: a graph without its large constants then needs the file no more.
constexpr size_t kMaxCopied = 16384;

// The field that a type's elements are spelled in when not in raw_data.
int typed_field(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::complex64: return TensorProto::kFloatDataFieldNumber;
    case DType::f64:
    case DType::complex128: return TensorProto::kDoubleDataFieldNumber;
    case DType::s64: return TensorProto::kInt64DataFieldNumber;
    case DType::u32:
    case DType::u64: return TensorProto::kUint64DataFieldNumber;
    case DType::string: return TensorProto::kStringDataFieldNumber;
    default: return TensorProto::kInt32DataFieldNumber;
  }
}

std::string field_name(int number) {
  const auto* field = TensorProto::descriptor()->FindFieldByNumber(number);
  return field == nullptr ? std::to_string(number) : field->name();
}

// Calls f(entry) for each varint of a payload; false where the payload is malformed or f says so.
template <typename F>
bool each_varint(std::span<const std::byte> file, const TensorProto::Payload& payload, F&& f) {
  WireReader reader(file, payload.offset(), payload.offset() + payload.size());
  uint64_t value = 0;
  while (!reader.done()) {
    if (!payload.packed() && !reader.varint(value)) return false;
    if (!reader.varint(value) || !f(value)) return false;
  }
  return true;
}

// Decodes the integers of `proto` into `count` entries of T. False: malformed, out of T's range, or
// another number of entries.
template <typename T>
bool decode_varints(std::span<const std::byte> file, const TensorProto& proto, T* out,
                    size_t count) {
  size_t done = 0;
  const bool narrow = sizeof(T) < 8 && !std::is_same_v<T, uint32_t>;
  const auto store = [&](uint64_t wire) {
    if (done == count) return false;
    if constexpr (sizeof(T) < 8) {
      const int64_t value = narrow ? static_cast<int32_t>(wire) : static_cast<int64_t>(wire);
      if (value < static_cast<int64_t>(std::numeric_limits<T>::min()) ||
          value > static_cast<int64_t>(std::numeric_limits<T>::max()))
        return false;
      out[done++] = static_cast<T>(value);
    } else {
      out[done++] = static_cast<T>(wire);
    }
    return true;
  };
  for (const auto& payload : proto.octet_payload())
    if (!each_varint(file, payload, store)) return false;
  return done == count;
}

bool decode(DType dtype, std::span<const std::byte> file, const TensorProto& proto, Tensor& out) {
  const auto into = [&]<typename T>() {
    const size_t entries = out.bytes().size() / sizeof(T);
    return decode_varints(file, proto, reinterpret_cast<T*>(out.writable()), entries);
  };
  switch (dtype) {
    case DType::s64: return into.operator()<int64_t>();
    case DType::u64: return into.operator()<uint64_t>();
    case DType::u32: return into.operator()<uint32_t>();
    case DType::s32: return into.operator()<int32_t>();
    case DType::s16: return into.operator()<int16_t>();
    case DType::u16:
    case DType::f16:
    case DType::bf16: return into.operator()<uint16_t>();
    case DType::s8: return into.operator()<int8_t>();
    default: return into.operator()<uint8_t>();  // u8, bool, float8, a byte of packed elements
  }
}

// Copies fixed-width elements from payloads; false when they aren't exactly out's bytes.
template <typename T>
bool copy_fixed(std::span<const std::byte> file, const TensorProto& proto, Tensor& out) {
  size_t at = 0;
  const size_t size = out.bytes().size();
  for (const auto& payload : proto.octet_payload()) {
    if (payload.packed()) {
      if (size - at < payload.size()) return false;
      std::memcpy(out.writable() + at, file.data() + payload.offset(), payload.size());
      at += payload.size();
      continue;
    }
    WireReader reader(file, payload.offset(), payload.offset() + payload.size());
    while (!reader.done()) {
      uint64_t tag = 0;
      T value{};
      if (!reader.varint(tag) || !reader.fixed(value) || size - at < sizeof(T)) return false;
      std::memcpy(out.writable() + at, &value, sizeof(T));
      at += sizeof(T);
    }
  }
  return at == size;
}

Result<uint64_t> parse_number(const std::string& key, const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return invalid_model("external data's {} '{}' is not a number", key, text);
  return value;
}

struct ExternalPlace {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<ExternalPlace> read_place(const TensorProto& proto) {
  ExternalPlace place;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") {
      place.location = entry.value();
    } else if (entry.key() == "offset") {
      OCTET_ASSIGN(place.offset, parse_number(entry.key(), entry.value()));
    } else if (entry.key() == "length") {
      OCTET_ASSIGN(place.length, parse_number(entry.key(), entry.value()));
    } else if (entry.key() != "checksum") {
      return unsupported("external data has the unknown key '{}'", entry.key());
    }
  }
  return place;
}

// The values of a sparse tensor, put where its indices say.
Status scatter(const Tensor& values, const Tensor& indices, Tensor& dense) {
  const auto flat = indices.to_int64();
  const Dims& dims = dense.dims();
  const size_t rank = dims.size();
  const size_t entries = values.count();
  const bool linear = indices.rank() == 1;
  if (flat.size() != entries * (linear ? 1 : rank) ||
      (!linear && (indices.rank() != 2 || indices.dims()[1] != static_cast<int64_t>(rank))))
    return invalid_model("a sparse tensor's indices don't fit its values");
  const size_t element = dtype_bytes(dense.dtype(), 1);
  for (size_t i = 0; i < entries; ++i) {
    int64_t at = linear ? flat[i] : 0;
    bool inside = at >= 0 && at < static_cast<int64_t>(dense.count());
    for (size_t axis = 0; !linear && axis < rank; ++axis) {
      const int64_t index = flat[i * rank + axis];
      inside = inside && index >= 0 && index < dims[axis];
      at = inside ? at * dims[axis] + index : 0;
    }
    if (!inside) return invalid_model("a sparse tensor's index is outside its dims");
    std::memcpy(dense.writable() + static_cast<size_t>(at) * element,
                values.bytes().data() + i * element, element);
  }
  return {};
}

}  // namespace

Result<DType> read_dtype(int number) {
  if (number > 0 && number < kDTypeCount) return static_cast<DType>(number);
  if (number == 0) return invalid_model("an element type is missing");
  if (TensorProto::DataType_IsValid(number))
    return unsupported("element type {} is not supported",
                       TensorProto::DataType_Name(static_cast<TensorProto::DataType>(number)));
  return invalid_model("element type {} is unknown", number);
}

Result<Tensor> TensorReader::read(const TensorProto& proto) {
  auto tensor = catch_memory_errors([&] { return read_unnamed(proto); });
  if (!tensor) return std::move(tensor).error().in("tensor '" + proto.name() + "'");
  return tensor;
}

Result<Tensor> TensorReader::read_unnamed(const TensorProto& proto) {
  OCTET_ASSIGN(const DType dtype, read_dtype(proto.data_type()));
  Dims dims(proto.dims().begin(), proto.dims().end());
  if (!checked_count(dims)) return invalid_model("dims are negative or too large");
  if (proto.has_segment()) return unsupported("tensors in segments are not supported");
  const bool external = proto.data_location() == TensorProto::EXTERNAL;
  if (external && (proto.octet_payload_size() > 0 || proto.string_data_size() > 0))
    return invalid_model("has external data and elements in the file");
  if (external) return read_external(proto, dtype, std::move(dims));
  const bool raw = proto.octet_payload_size() == 1 &&
                   proto.octet_payload(0).field() == TensorProto::kRawDataFieldNumber;
  const int field = raw ? TensorProto::kRawDataFieldNumber : typed_field(dtype);
  for (const auto& payload : proto.octet_payload())
    if (payload.field() != field)
      return invalid_model("elements of {} are in {}", dtype_name(dtype),
                           field_name(payload.field()));
  if (proto.string_data_size() > 0 && dtype != DType::string)
    return invalid_model("elements of {} are in string_data", dtype_name(dtype));
  if (dtype == DType::string) {
    if (raw) return invalid_model("strings are in raw_data");
    return read_strings(proto, std::move(dims));
  }
  if (raw) {
    const auto& payload = proto.octet_payload(0);
    return view(dtype, std::move(dims), file_.bytes.subspan(payload.offset(), payload.size()),
                file_.owner);
  }
  if (field == TensorProto::kFloatDataFieldNumber || field == TensorProto::kDoubleDataFieldNumber)
    return read_fixed(proto, dtype, std::move(dims));
  return read_varints(proto, dtype, std::move(dims));
}

Result<Tensor> TensorReader::view(DType dtype, Dims dims, std::span<const std::byte> bytes,
                                  const std::shared_ptr<const void>& owner) const {
  const auto count = static_cast<size_t>(*checked_count(dims));
  const size_t size = dtype_bytes(dtype, count);
  if (bytes.size() != size)
    return invalid_model("has {} bytes of elements; {} takes {}", bytes.size(),
                         Type::tensor(dtype, to_shape(dims)).to_string(), size);
  if (dtype == DType::boolean && !are_bools(bytes))
    return invalid_model("has a bool that is neither 0 nor 1");
  if (bytes.size() <= kMaxCopied) return Tensor::copy(dtype, std::move(dims), bytes);
  return Tensor(dtype, std::move(dims), bytes, owner);
}

Result<Tensor> TensorReader::read_external(const TensorProto& proto, DType dtype, Dims dims) {
  if (dtype == DType::string) return invalid_model("strings can't be external data");
  if (external_ == nullptr) return invalid_model("external data is not allowed here");
  OCTET_ASSIGN(const ExternalPlace place, read_place(proto));
  OCTET_ASSIGN(const SharedBytes file, external_->open(place.location));
  const size_t size = file.bytes.size();
  if (place.offset > size || (place.length && *place.length > size - place.offset))
    return invalid_model("its place in '{}' is outside the file's {} bytes", place.location, size);
  const uint64_t needed = dtype_bytes(dtype, static_cast<size_t>(*checked_count(dims)));
  const uint64_t length = place.length.value_or(std::min<uint64_t>(size - place.offset, needed));
  return view(dtype, std::move(dims), file.bytes.subspan(place.offset, length), file.owner);
}

Result<Tensor> TensorReader::read_strings(const TensorProto& proto, Dims dims) const {
  std::vector<std::string> values(proto.string_data().begin(), proto.string_data().end());
  if (static_cast<int64_t>(values.size()) != *checked_count(dims))
    return invalid_model("has another number of strings than its dims say");
  return Tensor::strings(std::move(dims), std::move(values));
}

Result<Tensor> TensorReader::read_fixed(const TensorProto& proto, DType dtype, Dims dims) {
  if (proto.octet_payload_size() == 1 && proto.octet_payload(0).packed()) {
    const auto& payload = proto.octet_payload(0);
    return view(dtype, std::move(dims), file_.bytes.subspan(payload.offset(), payload.size()),
                file_.owner);
  }
  uint64_t available = 0;
  for (const auto& payload : proto.octet_payload()) available += payload.size();
  const uint64_t size = dtype_bytes(dtype, static_cast<size_t>(*checked_count(dims)));
  if (size > available) return invalid_model("has fewer elements than its dims say");
  OCTET_RETURN_IF_ERROR(take(size));
  OCTET_ASSIGN(Tensor tensor, Tensor::zeros(dtype, std::move(dims)));
  const bool is_float = typed_field(dtype) == TensorProto::kFloatDataFieldNumber;
  if (!(is_float ? copy_fixed<float>(file_.bytes, proto, tensor)
                 : copy_fixed<double>(file_.bytes, proto, tensor)))
    return invalid_model("has another number of elements than its dims say");
  return tensor;
}

Result<Tensor> TensorReader::read_varints(const TensorProto& proto, DType dtype, Dims dims) {
  uint64_t available = 0;
  for (const auto& payload : proto.octet_payload()) available += payload.size();
  const auto count = static_cast<uint64_t>(*checked_count(dims));
  const uint64_t entries = dtype_bits(dtype) < 8 ? dtype_bytes(dtype, count) : count;
  if (entries > available) return invalid_model("has fewer elements than its dims say");
  OCTET_RETURN_IF_ERROR(take(dtype_bytes(dtype, count)));
  OCTET_ASSIGN(Tensor tensor, Tensor::zeros(dtype, std::move(dims)));
  if (!decode(dtype, file_.bytes, proto, tensor))
    return invalid_model("has another number of elements than its dims say, or one outside {}",
                         dtype_name(dtype));
  return view(dtype, tensor.dims(), tensor.bytes(), std::make_shared<Tensor>(tensor));
}

Status TensorReader::take(uint64_t bytes) {
  if (bytes <= limits_.max_decoded_bytes - decoded_) {
    decoded_ += bytes;
    return {};
  }
  return Error{
      ErrorCode::limit,
      "tensors need more than " + std::to_string(limits_.max_decoded_bytes) + " bytes to decode"};
}

Result<Tensor> TensorReader::read(const octet_onnx::SparseTensorProto& proto) {
  OCTET_ASSIGN(const Tensor values, read(proto.values()));
  OCTET_ASSIGN(const Tensor indices, read(proto.indices()));
  const std::string where = "sparse tensor '" + proto.values().name() + "'";
  if (values.rank() != 1 || indices.dtype() != DType::s64)
    return invalid_model("{}: values must have one axis and indices be int64", where);
  if (dtype_bits(values.dtype()) < 8) return unsupported("{}: strings and 4-bit elements", where);
  Dims dims(proto.dims().begin(), proto.dims().end());
  const auto count = checked_count(dims);
  if (!count || *count > int64_t{1} << 56) return invalid_model("{}: dims are too large", where);
  if (auto status = take(dtype_bytes(values.dtype(), static_cast<size_t>(*count))); !status)
    return std::move(status).error().in(where);
  OCTET_ASSIGN(Tensor dense, Tensor::zeros(values.dtype(), std::move(dims)));
  if (auto status = scatter(values, indices, dense); !status)
    return std::move(status).error().in(where);
  return dense;
}

}  // namespace octet::onnx
