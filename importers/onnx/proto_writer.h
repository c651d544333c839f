#pragma once

#include <string>

#include "engine/ir/attrs.h"
#include "engine/ir/type.h"
#include "octet_onnx.pb.h"

namespace octet::onnx {

/// Spells a type; extents that nothing but the engine has a name for are left open. `shapes` false:
/// element types only.
void write_type(const Type& type, bool shapes, octet_onnx::TypeProto& proto);

/// Spells name, type and dims; strings also their elements. Other elements follow as raw_data.
void write_tensor_head(const std::string& name, const Tensor& tensor,
                       octet_onnx::TensorProto& proto);
/// The whole tensor.
void write_tensor(const std::string& name, const Tensor& tensor, octet_onnx::TensorProto& proto);

void write_attribute(const std::string& name, const AttrValue& value,
                     octet_onnx::AttributeProto& proto);
void add_int_attribute(octet_onnx::NodeProto& node, const std::string& name, int64_t value);

}  // namespace octet::onnx
