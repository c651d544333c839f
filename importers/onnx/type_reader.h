#pragma once

#include "engine/ir/type.h"

namespace octet_onnx {
class TypeProto;
}

namespace octet::onnx {

/// The Type of a TypeProto. Named dims become symbols of that name, unnamed unknown ones fresh
/// symbols. Maps, sparse and opaque types are refused by name. A missing type is `undefined`.
Result<Type> read_type(const octet_onnx::TypeProto& proto);

/// Whether `declared` and `inferred` can be the same type. `dims`: known extents count as well.
bool compatible(const Type& declared, const Type& inferred, bool dims);

}  // namespace octet::onnx
