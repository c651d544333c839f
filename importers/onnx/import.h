#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

#include "engine/ir/graph.h"
#include "importers/onnx/limits.h"

namespace octet {

/// Reads an ONNX model (IR 3 to 14, opset 6 to 28) into a typed graph in canonical form: functions
/// are inlined, captures of subgraphs are explicit inputs, Constant nodes and initializers (those
/// that are inputs too) are constants, sparse initializers are dense. Weights stay in the mapped
/// file and its external data, which the model keeps mapped. Errors name the node or the value;
/// whatever isn't understood is refused.
Result<Model> import_model(const std::filesystem::path& path, const ImportLimits& limits = {});

/// The same from memory. External data is looked for in `folder`; an empty one refuses it. The
/// model keeps spans into `bytes` that live with `owner`; without an owner the bytes are copied.
Result<Model> import_model(std::span<const std::byte> bytes, const std::filesystem::path& folder,
                           const ImportLimits& limits = {},
                           std::shared_ptr<const void> owner = nullptr);

/// Reads a file of test data: a TensorProto, SequenceProto, OptionalProto or MapProto, as the kind
/// of `expected` says. Fails when the value isn't of that type; a tensor's dtype may be left
/// undefined.
Result<Tensor> read_value(const std::filesystem::path& path, const Type& expected,
                          const ImportLimits& limits = {});

}  // namespace octet
