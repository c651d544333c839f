#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "engine/ir/graph.h"

namespace octet {

struct WriteOptions {
  /// Weights go to a file of their own beside the model when the model would be larger: NAME.data,
  /// or NAME.1.data where the model that is replaced has its own there, which then goes.
  /// Protobuf ends at 2 GiB.
  uint64_t max_model_bytes = (uint64_t{1} << 31) - (uint64_t{1} << 20);
  /// Inner values are numbered, and what stores codes (scales, zero points, nodes) has no names or
  /// numbers. Inputs, outputs, constants and the graph's own nodes keep their names.
  bool short_names = false;
  /// Told the bytes of all files once they are on the disk, before they take their names; an error
  /// leaves nothing.
  std::function<Status(uint64_t bytes)> written{};
};

/// Writes a model as standard ONNX: IR 10, opset 21 or the model's own when that is newer.
/// Quantized types are spelled as QuantizeLinear and DequantizeLinear, a quantized constant as its
/// codes and a DequantizeLinear. Names of inputs and outputs are kept, others made unique; captures
/// of subgraphs become outer names again. Fused operators can't be written.
///
/// The file appears whole or not at all: it is made under another name in the same folder and
/// renamed when its bytes are on the disk. What the machine refuses is ErrorCode::machine.
Status write_model(const Model& model, const std::filesystem::path& path,
                   const WriteOptions& options = {});

}  // namespace octet
