#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>
#include <span>
#include <string>

#include "engine/ir/result.h"
#include "importers/onnx/limits.h"

namespace octet::onnx {

/// Walks a message of type `root` in protobuf's wire format without building it: checks depth,
/// counts and bytes against `limits`, and returns the same message for libprotobuf to parse, with
/// the elements of tensors replaced by TensorProto.octet_payload (offsets into `file`). Fields that
/// the schema doesn't know, and documentation below the model, are dropped.
Result<std::string> skeleton_of(std::span<const std::byte> file,
                                const google::protobuf::Descriptor& root,
                                const ImportLimits& limits);

}  // namespace octet::onnx
