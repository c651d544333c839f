#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/ir/dim.h"
#include "engine/ir/tensor.h"
#include "kernels/quantize.h"

namespace octet {

/// How a Value is stored when its real elements are quantized:
/// real = (code - zero point) * scale. A type, not a pattern: whoever wrote the QDQ pair, the graph
/// holds one Value of this storage.
struct QuantType {
  DType storage = DType::u8;  ///< u8, s8, u16, s16, s4, u4, s32 (biases).
  Tensor scale;               ///< f32: [] per tensor, [C] along `axis`, or blocked along `axis`.
  Tensor zero_point;          ///< `storage` typed, shaped as scale; undefined dtype means zeros.
  int axis = 0;               ///< Logical axis; meaningful when scale isn't a scalar.
  int64_t block = 0;          ///< Elements of `axis` that share a scale; 0 when not blocked.
  DType real = DType::f32;    ///< The element type that DequantizeLinear gives.

  bool per_tensor() const { return scale.count() == 1 && block == 0; }
  Scale tensor_scale() const {
    return {scale.dtype() == DType::f32 ? scale.as<float>()[0] : scale.to_float()[0]};
  }
  ZeroPoint tensor_zero_point() const {
    if (zero_point.dtype() == DType::undefined) return {0};
    // The types of activations without an allocation: runs ask too.
    if (zero_point.dtype() == DType::u8) return {zero_point.as<uint8_t>()[0]};
    if (zero_point.dtype() == DType::s8) return {zero_point.as<int8_t>()[0]};
    return {static_cast<int32_t>(zero_point.to_int64()[0])};
  }
};
bool operator==(const QuantType& a, const QuantType& b);
using QuantPtr = std::shared_ptr<const QuantType>;
/// Both absent, or both the same parameters.
bool same_quant(const QuantPtr& a, const QuantPtr& b);

/// A logical type: what ONNX says of a value. Storage (quantization, layout) belongs to the Value.
struct Type {
  enum class Kind : uint8_t { tensor, sequence, optional, map };
  Kind kind = Kind::tensor;
  DType dtype = DType::undefined;         ///< Of a tensor; of a map's keys.
  std::optional<Shape> shape;             ///< Nothing when the rank is unknown.
  std::shared_ptr<const Type> element{};  ///< Of a sequence or an optional; of a map's values.

  static Type tensor(DType dtype, std::optional<Shape> shape = std::nullopt) {
    return {Kind::tensor, dtype, std::move(shape), nullptr};
  }
  static Type of(Kind kind, Type element) {
    return {kind, DType::undefined, std::nullopt, std::make_shared<const Type>(std::move(element))};
  }
  /// Held outside the arena: strings, sequences, optionals and maps.
  bool boxed() const { return kind != Kind::tensor || dtype == DType::string; }
  bool has_known_shape() const { return shape && all_known(*shape); }
  /// As "float[batch,80]".
  std::string to_string() const;
};

/// Equal types have equal extents, symbols included.
bool operator==(const Type& a, const Type& b);

/// Whether `value` is of this type, element types and fixed extents of what it holds included: what
/// the caller hands in as a sequence, an optional or a map.
bool conforms(const Tensor& value, const Type& type);

/// Order of a stored tensor's axes in memory. Axes of operators stay logical.
enum class Layout : uint8_t {
  row_major,      ///< Logical order: N, C, spatial.
  channels_last,  ///< N, spatial, C; for rank 3 and up. Rank below 3: the same as row_major.
};

}  // namespace octet
