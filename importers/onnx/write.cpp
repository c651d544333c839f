#include "importers/onnx/write.h"

#include <algorithm>

#include "engine/ir/file_output.h"
#include "engine/ir/mapped_file.h"
#include "engine/ops/op.h"
#include "importers/onnx/graph_writer.h"
#include "importers/onnx/hints.h"
#include "importers/onnx/mapping.h"
#include "importers/onnx/proto_writer.h"
#include "importers/onnx/quiet.h"

namespace octet {
namespace {

using octet_onnx::GraphProto;
using octet_onnx::ModelProto;
using octet_onnx::TensorProto;
using onnx::Initializer;
using onnx::Metadata;
using onnx::write_hints;

// Payloads below this stay in the model when the others go to a file of their own.
constexpr size_t kMinExternal = 1024;
constexpr size_t kExternalAlignment = 4096;

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  return out += static_cast<char>(value);
}
// The tag and length in front of a length-delimited field.
std::string head(int field, uint64_t length) {
  return varint(static_cast<uint64_t>(field) << 3 | 2) + varint(length);
}

// An initializer's proto without its elements, and where these go.
struct Payload {
  std::string proto;  // and, for elements in the model, raw_data's tag and length
  std::span<const std::byte> raw;
  uint64_t size() const { return proto.size() + raw.size(); }
};

int highest_version(const Graph& graph) {
  int version = kWrittenOpset;
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    if (node.op->domain.empty()) version = std::max(version, node.op->since);
    for (const auto& body : node.bodies) version = std::max(version, highest_version(*body));
  }
  return version;
}

void write_model_head(const Model& model, int opset, const std::set<std::string>& domains,
                      ModelProto& proto) {
  constexpr int kIrOfOpset23 = 11;
  proto.set_ir_version(opset >= 23 ? kIrOfOpset23 : 10);
  proto.set_producer_name("octet");
  if (!model.doc.empty()) proto.set_doc_string(model.doc);
  proto.add_opset_import()->set_version(opset);
  for (const std::string& domain : domains) {
    if (domain.empty()) continue;
    const auto at = model.opsets.find(domain);
    auto& import = *proto.add_opset_import();
    import.set_domain(domain);
    import.set_version(at == model.opsets.end() ? 1 : at->second);
  }
  Metadata metadata = model.metadata;
  write_hints(*model.graph, metadata);
  for (const auto& [key, value] : metadata) {
    auto& entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
}

void set_external(TensorProto& proto, const std::string& file, uint64_t offset, uint64_t length) {
  proto.set_data_location(TensorProto::EXTERNAL);
  const auto add = [&](const char* key, std::string value) {
    auto& entry = *proto.add_external_data();
    entry.set_key(key);
    entry.set_value(std::move(value));
  };
  add("location", file);
  add("offset", std::to_string(offset));
  add("length", std::to_string(length));
}

Result<std::vector<Payload>> payloads(const std::vector<Initializer>& initializers,
                                      FileOutput* data, const std::string& data_name) {
  std::vector<Payload> out;
  for (const auto& [name, tensor] : initializers) {
    TensorProto proto;
    onnx::write_tensor_head(name, tensor, proto);
    Payload payload;
    const bool raw = tensor.dtype() != DType::string;
    if (raw && data != nullptr && tensor.bytes().size() >= kMinExternal) {
      OCTET_RETURN_IF_ERROR(data->align(kExternalAlignment));
      set_external(proto, data_name, data->size(), tensor.bytes().size());
      OCTET_RETURN_IF_ERROR(data->write(tensor.bytes()));
      payload.proto = proto.SerializeAsString();
    } else {
      payload.proto = proto.SerializeAsString();
      if (raw) {
        payload.raw = tensor.bytes();
        payload.proto += head(TensorProto::kRawDataFieldNumber, payload.raw.size());
      }
    }
    out.push_back(std::move(payload));
  }
  return out;
}

// The names that weights beside a model may have: that which the model lying there now refers to,
// and another. So that model stays whole until the new one has taken its place.
struct DataNames {
  std::string free;
  std::string taken;  // Empty: there is no such model.
};

DataNames data_names(const std::filesystem::path& path) {
  const std::string first = path.filename().string() + ".data";
  const std::string second = path.filename().string() + ".1.data";
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {first, ""};
  const auto old = onnx::map_file(path);
  if (!old.ok()) return {first, ""};
  const std::string_view text(reinterpret_cast<const char*>(old->bytes.data()), old->bytes.size());
  if (text.find(first) != std::string_view::npos) return {second, first};
  return {first, text.find(second) != std::string_view::npos ? second : ""};
}

// The graph message is written in pieces, so that elements go from where they are to the file.
Status write_file(FileOutput& file, const ModelProto& proto, const GraphProto& graph,
                  const std::vector<Payload>& initializers) {
  const std::string graph_bytes = graph.SerializeAsString();
  uint64_t graph_size = graph_bytes.size();
  for (const Payload& payload : initializers)
    graph_size += head(GraphProto::kInitializerFieldNumber, payload.size()).size() + payload.size();
  OCTET_RETURN_IF_ERROR(file.write(proto.SerializeAsString()));
  OCTET_RETURN_IF_ERROR(file.write(head(ModelProto::kGraphFieldNumber, graph_size)));
  OCTET_RETURN_IF_ERROR(file.write(graph_bytes));
  for (const Payload& payload : initializers) {
    OCTET_RETURN_IF_ERROR(file.write(head(GraphProto::kInitializerFieldNumber, payload.size())));
    OCTET_RETURN_IF_ERROR(file.write(payload.proto));
    OCTET_RETURN_IF_ERROR(file.write(payload.raw));
  }
  return {};
}

}  // namespace

Status write_model(const Model& model, const std::filesystem::path& path,
                   const WriteOptions& options) {
  const onnx::QuietProtobuf quiet;
  const auto own = model.opsets.find("");
  int opset = highest_version(*model.graph);
  if (own != model.opsets.end()) opset = std::max(opset, own->second);
  onnx::GraphWriter writer(opset, options.short_names);
  GraphProto graph;
  OCTET_RETURN_IF_ERROR(writer.main_graph(*model.graph, graph));
  ModelProto proto;
  write_model_head(model, opset, writer.domains(), proto);
  const auto initializers = writer.take_initializers();
  uint64_t total = graph.ByteSizeLong();
  for (const auto& [name, tensor] : initializers)
    total += tensor.bytes().size() + name.size() + 64 + tensor.rank() * 10;

  FileOutput file(path);
  OCTET_RETURN_IF_ERROR(file.open());
  const DataNames names = data_names(path);
  const std::string& data_name = names.free;
  FileOutput data(path.parent_path() / data_name);
  const bool external = total > options.max_model_bytes;
  if (external) OCTET_RETURN_IF_ERROR(data.open());
  OCTET_ASSIGN(const auto parts, payloads(initializers, external ? &data : nullptr, data_name));
  OCTET_RETURN_IF_ERROR(write_file(file, proto, graph, parts));
  // Both files are on the disk before either takes its name.
  OCTET_RETURN_IF_ERROR(file.sync());
  if (options.written) OCTET_RETURN_IF_ERROR(options.written(file.size() + data.size()));
  OCTET_RETURN_IF_ERROR(MappedFile::all_intact());  // What was copied from other files is theirs.
  if (external) OCTET_RETURN_IF_ERROR(data.commit());
  OCTET_RETURN_IF_ERROR(file.commit());
  // Where this fails the file is in nobody's way: the next model written here takes its name.
  std::error_code ignored;
  if (!names.taken.empty()) std::filesystem::remove(path.parent_path() / names.taken, ignored);
  return {};
}

}  // namespace octet
