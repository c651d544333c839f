#include "importers/onnx/import.h"

#include <google/protobuf/message.h>

#include <algorithm>

#include "engine/ir/log.h"
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
  if (!message.ParseFromString(skeleton))
    return invalid_model("the file is no " + message.GetDescriptor()->name());
  return {};
}

Result<Model> import_bytes(const SharedBytes& file, onnx::ExternalFiles* external,
                           const ImportLimits& limits) {
  octet_onnx::ModelProto proto;
  OCTET_RETURN_IF_ERROR(parse(file, proto, limits));
  onnx::TensorReader tensors(file, external, limits);
  auto model =
      catch_memory_errors([&] { return onnx::GraphBuilder(proto, tensors, limits).build(); });
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

Result<Tensor> read_tensor(const std::filesystem::path& path, const Type& expected,
                           const ImportLimits& limits) {
  const auto where = [&](Error error) { return std::move(error).in(path.filename().string()); };
  if (expected.kind != Type::Kind::tensor)
    return where(unsupported("holds a sequence or an optional, which can't be read as a tensor"));
  OCTET_ASSIGN(const SharedBytes file, onnx::map_file(path));
  octet_onnx::TensorProto proto;
  if (auto status = parse(file, proto, limits); !status) return where(std::move(status).error());
  onnx::TensorReader tensors(file, nullptr, limits);
  auto tensor = tensors.read(proto);
  if (!tensor) return where(std::move(tensor).error());
  const Type actual = Type::tensor(tensor->dtype(), to_shape(tensor->dims()));
  if (!onnx::compatible(expected, actual, true))
    return where(invalid_data("is " + actual.to_string() + ", not " + expected.to_string()));
  return tensor;
}

}  // namespace octet
