#include "importers/onnx/import.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>

#include <algorithm>

#include "engine/ir/log.h"
#include "engine/ir/mapped_file.h"
#include "engine/ir/memory.h"
#include "importers/onnx/graph_builder.h"
#include "importers/onnx/mapping.h"
#include "importers/onnx/quiet.h"
#include "importers/onnx/skeleton.h"
#include "importers/onnx/type_reader.h"

namespace octet {
namespace {

using onnx::SharedBytes;

Status parse(const SharedBytes& file, google::protobuf::Message& message,
             const ImportLimits& limits) {
  ImportLimits bounded = limits;
  if (const auto& budget = BudgetScope::current())
    bounded.max_structure_bytes = std::min<uint64_t>(limits.max_structure_bytes, budget->limit());
  OCTET_ASSIGN(const std::string skeleton,
               onnx::skeleton_of(file.bytes, *message.GetDescriptor(), bounded));
  const onnx::QuietProtobuf quiet;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(skeleton.data()),
                                                static_cast<int>(skeleton.size()));
  // The walk over the skeleton has counted the levels.
  stream.SetRecursionLimit(limits.max_depth + 1);
  if (!message.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return invalid_model("the file is no {}", message.GetDescriptor()->name());
  return {};
}

Result<Model> import_bytes(const SharedBytes& file, onnx::ExternalFiles* external,
                           const ImportLimits& limits) {
  octet_onnx::ModelProto proto;
  OCTET_RETURN_IF_ERROR(parse(file, proto, limits));
  onnx::TensorReader tensors(file, external, limits);
  auto model =
      catch_memory_errors([&] { return onnx::GraphBuilder(proto, tensors, limits).build(); });
  if (const auto mapped = MappedFile::find(file.bytes.data()))
    OCTET_RETURN_IF_ERROR(mapped->intact());
  if (external != nullptr) OCTET_RETURN_IF_ERROR(external->intact());
  if (model)
    log::lazily(log::Level::info, [&] {
      return "imported IR " + std::to_string(model->ir_version) + ", " +
             std::to_string(proto.graph().node_size()) + " nodes and " +
             std::to_string(proto.functions_size()) + " functions by '" + model->producer +
             "' as " + std::to_string(model->graph->node_count()) + " nodes";
    });
  return model;
}

}  // namespace

Result<Model> import_model(const std::filesystem::path& path, const ImportLimits& limits) {
  OCTET_ASSIGN(const SharedBytes file, onnx::map_file(path));
  onnx::ExternalFiles external(path.parent_path());
  auto model = import_bytes(file, &external, limits);
  if (!model) return std::move(model).error().in(path.filename().string());
  return model;
}

Result<Model> import_model(std::span<const std::byte> bytes, const std::filesystem::path& folder,
                           const ImportLimits& limits, std::shared_ptr<const void> owner) {
  SharedBytes file{bytes, std::move(owner)};
  if (!file.owner) {
    const auto copy = std::make_shared<const Tensor>(
        Tensor::copy(DType::u8, {static_cast<int64_t>(bytes.size())}, bytes));
    file = {copy->bytes(), copy};
  }
  onnx::ExternalFiles external(folder);
  return import_bytes(file, folder.empty() ? nullptr : &external, limits);
}

namespace {

// Reads the values of files of test data: what isn't a tensor becomes a list.
class ValueReader {
 public:
  ValueReader(const SharedBytes& file, const ImportLimits& limits)
      : tensors_(file, nullptr, limits) {}

  Result<Tensor> read(const octet_onnx::TensorProto& proto) { return tensors_.read(proto); }

  Result<Tensor> read(const octet_onnx::SequenceProto& proto) {
    std::vector<Tensor> list;
    const auto add = [&](const auto& values) -> Status {
      for (const auto& value : values) {
        OCTET_ASSIGN(Tensor element, read(value));
        list.push_back(std::move(element));
      }
      return {};
    };
    OCTET_RETURN_IF_ERROR(add(proto.tensor_values()));
    OCTET_RETURN_IF_ERROR(add(proto.sequence_values()));
    OCTET_RETURN_IF_ERROR(add(proto.map_values()));
    OCTET_RETURN_IF_ERROR(add(proto.optional_values()));
    if (proto.sparse_tensor_values_size() > 0) return unsupported("sparse tensors in sequences");
    return Tensor::list(std::move(list));
  }

  Result<Tensor> read(const octet_onnx::OptionalProto& proto) {
    if (proto.has_sparse_tensor_value()) return unsupported("sparse tensors in optionals");
    std::vector<Tensor> list;
    const auto add = [&](bool has, const auto& value) -> Status {
      if (!has) return {};
      OCTET_ASSIGN(Tensor element, read(value));
      list.push_back(std::move(element));
      return {};
    };
    OCTET_RETURN_IF_ERROR(add(proto.has_tensor_value(), proto.tensor_value()));
    OCTET_RETURN_IF_ERROR(add(proto.has_sequence_value(), proto.sequence_value()));
    OCTET_RETURN_IF_ERROR(add(proto.has_map_value(), proto.map_value()));
    OCTET_RETURN_IF_ERROR(add(proto.has_optional_value(), proto.optional_value()));
    return Tensor::list(std::move(list));
  }

  // The values of a map are a sequence of scalars, or one tensor.
  Result<Tensor> read(const octet_onnx::MapProto& proto) {
    if (proto.values().tensor_values_size() != 1)
      return unsupported("a map whose values aren't one tensor");
    OCTET_ASSIGN(Tensor values, read(proto.values().tensor_values(0)));
    const auto count = [](int size) { return Dims{size}; };
    Tensor keys = proto.string_keys_size() > 0
                      ? Tensor::strings(count(proto.string_keys_size()),
                                        {proto.string_keys().begin(), proto.string_keys().end()})
                      : Tensor::of(count(proto.keys_size()),
                                   std::vector<int64_t>(proto.keys().begin(), proto.keys().end()));
    return Tensor::list({std::move(keys), std::move(values)});
  }

  template <typename Proto>
  static Result<Tensor> of(const SharedBytes& file, const ImportLimits& limits) {
    Proto proto;
    OCTET_RETURN_IF_ERROR(parse(file, proto, limits));
    return ValueReader(file, limits).read(proto);
  }

 private:
  onnx::TensorReader tensors_;
};

Result<Tensor> read_kind(const SharedBytes& file, Type::Kind kind, const ImportLimits& limits) {
  switch (kind) {
    case Type::Kind::sequence: return ValueReader::of<octet_onnx::SequenceProto>(file, limits);
    case Type::Kind::optional: return ValueReader::of<octet_onnx::OptionalProto>(file, limits);
    case Type::Kind::map: return ValueReader::of<octet_onnx::MapProto>(file, limits);
    case Type::Kind::tensor: break;
  }
  return ValueReader::of<octet_onnx::TensorProto>(file, limits);
}

}  // namespace

Result<Tensor> read_value(const std::filesystem::path& path, const Type& expected,
                          const ImportLimits& limits) {
  const auto where = [&](Error error) { return std::move(error).in(path.filename().string()); };
  OCTET_ASSIGN(const SharedBytes file, onnx::map_file(path));
  auto value = read_kind(file, expected.kind, limits);
  if (!value) return where(std::move(value).error());
  if (!conforms(*value, expected)) {
    const Type actual = Type::tensor(value->dtype(), to_shape(value->dims()));
    return where(invalid_data(
        (value->is_list() ? "holds something else than " : "is " + actual.to_string() + ", not ") +
        expected.to_string()));
  }
  return value;
}

}  // namespace octet
