#include "importers/onnx/skeleton.h"

#include <vector>

#include "engine/ir/log.h"
#include "importers/onnx/wire.h"
#include "octet_onnx.pb.h"

namespace octet::onnx {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using octet_onnx::TensorProto;

// Lengths of messages are written in this many bytes, so that they can be filled in afterwards.
constexpr size_t kLengthBytes = 5;

struct Payload {
  uint32_t field = 0;
  bool packed = true;
  size_t begin = 0;
  size_t end = 0;
};

Wire scalar_wire(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_FLOAT: return Wire::fixed32;
    case FieldDescriptor::CPPTYPE_DOUBLE: return Wire::fixed64;
    case FieldDescriptor::CPPTYPE_MESSAGE:
    case FieldDescriptor::CPPTYPE_STRING: return Wire::bytes;
    default: return Wire::varint;
  }
}

bool is_element_field(uint64_t number) {
  switch (number) {
    case TensorProto::kFloatDataFieldNumber:
    case TensorProto::kInt32DataFieldNumber:
    case TensorProto::kInt64DataFieldNumber:
    case TensorProto::kRawDataFieldNumber:
    case TensorProto::kDoubleDataFieldNumber:
    case TensorProto::kUint64DataFieldNumber: return true;
    default: return false;
  }
}

class Walker {
 public:
  Walker(std::span<const std::byte> file, const ImportLimits& limits)
      : file_(file), limits_(limits) {}

  Status message(const Descriptor& type, size_t begin, size_t end, int depth);
  std::string take() { return std::move(out_); }

 private:
  struct Slot {
    uint64_t number = 0;
    uint64_t wire = 0;
    size_t begin = 0;  // of the tag
    size_t body = 0;   // of the value; past the length of a length-delimited one
    size_t end = 0;
  };

  Status next(WireReader& reader, Slot& slot) const;
  Status copy(const FieldDescriptor& field, const Slot& slot, int depth);
  Status child(const FieldDescriptor& field, const Slot& slot, int depth);
  Status note_payload(const FieldDescriptor& field, const Slot& slot,
                      std::vector<Payload>& payloads);
  void put_payloads(const std::vector<Payload>& payloads);
  bool dropped(const Descriptor& type, const FieldDescriptor* field) const;
  size_t open(int number);
  void close(size_t at);
  void put_varint(uint64_t value);
  void note_unknown(const Descriptor& type, const Slot& slot);

  Status count(uint64_t& counter, uint64_t limit, const char* what) {
    if (++counter <= limit) return {};
    return Error{ErrorCode::limit, "the file has more than " + std::to_string(limit) + " " + what};
  }
  static Error malformed(const Descriptor& type, size_t offset) {
    return invalid_model("malformed or truncated {} at byte {}", type.name(), offset);
  }

  std::span<const std::byte> file_;
  const ImportLimits& limits_;
  std::string out_;
  uint64_t messages_ = 0;
  uint64_t strings_ = 0;
  bool warned_ = false;
};

Status Walker::message(const Descriptor& type, size_t begin, size_t end, int depth) {
  if (depth > limits_.max_depth)
    return Error{ErrorCode::limit, "messages are nested deeper than " +
                                       std::to_string(limits_.max_depth) + " levels"};
  const bool is_tensor = &type == TensorProto::descriptor();
  std::vector<Payload> payloads;
  WireReader reader(file_, begin, end);
  while (!reader.done()) {
    Slot slot;
    if (!next(reader, slot)) return malformed(type, slot.begin);
    const FieldDescriptor* field =
        slot.number <= 0x7FFFFFFF ? type.FindFieldByNumber(static_cast<int>(slot.number)) : nullptr;
    if (field == nullptr) note_unknown(type, slot);
    if (dropped(type, field)) continue;
    const bool packed = field->is_repeated() && slot.wire == static_cast<uint64_t>(Wire::bytes);
    if (slot.wire != static_cast<uint64_t>(scalar_wire(*field)) && !packed)
      return invalid_model("{}.{} has the wrong encoding at byte {}", type.name(), field->name(),
                           slot.begin);
    if (is_tensor && is_element_field(slot.number))
      OCTET_RETURN_IF_ERROR(note_payload(*field, slot, payloads));
    else
      OCTET_RETURN_IF_ERROR(copy(*field, slot, depth));
    if (out_.size() > limits_.max_structure_bytes)
      return Error{ErrorCode::limit, "the graph's structure takes more than " +
                                         std::to_string(limits_.max_structure_bytes) + " bytes"};
  }
  put_payloads(payloads);
  return {};
}

Status Walker::next(WireReader& reader, Slot& slot) const {
  const auto bad = [] { return invalid_model("malformed"); };
  slot.begin = reader.offset();
  uint64_t tag = 0;
  if (!reader.varint(tag)) return bad();
  slot.number = tag >> 3;
  slot.wire = tag & 7;
  slot.body = reader.offset();
  uint64_t length = 0;
  switch (static_cast<Wire>(slot.wire)) {
    case Wire::varint:
      if (!reader.varint(length)) return bad();
      break;
    case Wire::fixed64:
      if (!reader.skip(8)) return bad();
      break;
    case Wire::fixed32:
      if (!reader.skip(4)) return bad();
      break;
    case Wire::bytes:
      if (!reader.varint(length)) return bad();
      slot.body = reader.offset();
      if (!reader.skip(length)) return bad();
      break;
    default: return bad();  // groups, which the format doesn't use
  }
  slot.end = reader.offset();
  return slot.number == 0 ? Status(bad()) : Status();
}

// One message a file: a newer standard's fields come in every node.
void Walker::note_unknown(const Descriptor& type, const Slot& slot) {
  if (warned_) return;
  warned_ = true;
  log::lazily(log::Level::warning, [&] {
    return "the file has fields that octet doesn't know and leaves out, the first at byte " +
           std::to_string(slot.begin) + ": number " + std::to_string(slot.number) + " of " +
           type.name();
  });
}

bool Walker::dropped(const Descriptor& type, const FieldDescriptor* field) const {
  if (field == nullptr || field->number() == TensorProto::kOctetPayloadFieldNumber) return true;
  if (&type == octet_onnx::ModelProto::descriptor()) return false;
  return field->name() == "doc_string" || field->name() == "metadata_props";
}

Status Walker::copy(const FieldDescriptor& field, const Slot& slot, int depth) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return child(field, slot, depth);
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
    OCTET_RETURN_IF_ERROR(count(strings_, limits_.max_strings, "strings"));
  if (slot.end - slot.begin > limits_.max_structure_bytes)
    return Error{ErrorCode::limit, "the graph's structure takes more than " +
                                       std::to_string(limits_.max_structure_bytes) + " bytes"};
  out_.append(reinterpret_cast<const char*>(file_.data()) + slot.begin, slot.end - slot.begin);
  return {};
}

Status Walker::child(const FieldDescriptor& field, const Slot& slot, int depth) {
  OCTET_RETURN_IF_ERROR(count(messages_, limits_.max_messages, "messages"));
  const size_t at = open(field.number());
  OCTET_RETURN_IF_ERROR(message(*field.message_type(), slot.body, slot.end, depth + 1));
  close(at);
  return {};
}

Status Walker::note_payload(const FieldDescriptor& field, const Slot& slot,
                            std::vector<Payload>& payloads) {
  const bool packed = slot.wire == static_cast<uint64_t>(Wire::bytes);
  const auto number = static_cast<uint32_t>(slot.number);
  if (!packed && !payloads.empty()) {
    Payload& last = payloads.back();
    if (!last.packed && last.field == number && last.end == slot.begin) {
      last.end = slot.end;
      return {};
    }
  }
  if (number == TensorProto::kRawDataFieldNumber)
    for (const Payload& other : payloads)
      if (other.field == number)
        return invalid_model("a tensor has {} twice, at byte {}", field.name(), slot.begin);
  OCTET_RETURN_IF_ERROR(count(messages_, limits_.max_messages, "messages"));
  payloads.push_back({number, packed, packed ? slot.body : slot.begin, slot.end});
  return {};
}

void Walker::put_payloads(const std::vector<Payload>& payloads) {
  using Proto = TensorProto::Payload;
  const auto put = [this](int number, uint64_t value) {
    put_varint(static_cast<uint64_t>(number) << 3);
    put_varint(value);
  };
  for (const Payload& payload : payloads) {
    const size_t at = open(TensorProto::kOctetPayloadFieldNumber);
    put(Proto::kFieldFieldNumber, payload.field);
    put(Proto::kPackedFieldNumber, payload.packed ? 1 : 0);
    put(Proto::kOffsetFieldNumber, payload.begin);
    put(Proto::kSizeFieldNumber, payload.end - payload.begin);
    close(at);
  }
}

size_t Walker::open(int number) {
  put_varint(static_cast<uint64_t>(number) << 3 | static_cast<uint64_t>(Wire::bytes));
  out_.append(kLengthBytes, '\0');
  return out_.size();
}

void Walker::close(size_t at) {
  uint64_t length = out_.size() - at;
  for (size_t i = 0; i < kLengthBytes; ++i, length >>= 7)
    out_[at - kLengthBytes + i] =
        static_cast<char>((length & 0x7F) | (i + 1 < kLengthBytes ? 0x80U : 0U));
}

void Walker::put_varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_ += static_cast<char>((value & 0x7F) | 0x80);
  out_ += static_cast<char>(value);
}

}  // namespace

Result<std::string> skeleton_of(std::span<const std::byte> file, const Descriptor& root,
                                const ImportLimits& limits) {
  if (file.size() > limits.max_file_bytes)
    return Error{ErrorCode::limit,
                 "the file is larger than " + std::to_string(limits.max_file_bytes) + " bytes"};
  Walker walker(file, limits);
  OCTET_RETURN_IF_ERROR(walker.message(root, 0, file.size(), 1));
  return walker.take();
}

}  // namespace octet::onnx
