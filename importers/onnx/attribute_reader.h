#pragma once

#include "engine/ir/attrs.h"
#include "importers/onnx/tensor_reader.h"
#include "octet_onnx.pb.h"

namespace octet::onnx {

/// The kind of an attribute: what it says, or, in old files that don't, the one field it fills.
octet_onnx::AttributeProto::AttributeType attribute_kind(const octet_onnx::AttributeProto& proto);

/// The value of an attribute that is no graph, type or list of tensors (those are refused).
Result<AttrValue> read_attribute(const octet_onnx::AttributeProto& proto, TensorReader& tensors);

/// The tensor that a Constant node's attribute spells.
Result<Tensor> read_constant(const octet_onnx::AttributeProto& proto, const std::string& name,
                             TensorReader& tensors);

}  // namespace octet::onnx
