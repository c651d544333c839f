#pragma once

#include <cstdint>

#include "engine/ir/tensor.h"
#include "importers/onnx/limits.h"
#include "importers/onnx/mapping.h"

namespace octet_onnx {
class TensorProto;
class SparseTensorProto;
}  // namespace octet_onnx

namespace octet::onnx {

/// The DType of a TensorProto.DataType number, or an error that names the type.
Result<DType> read_dtype(int number);

/// Makes Tensors of TensorProtos whose elements the walk over the file left in place. Large
/// ones whose elements lie in a file as in memory stay there; the others are copied or decoded.
class TensorReader {
 public:
  /// `external` null: external data is refused.
  TensorReader(SharedBytes file, ExternalFiles* external, const ImportLimits& limits)
      : file_(std::move(file)), external_(external), limits_(limits) {}

  Result<Tensor> read(const octet_onnx::TensorProto& proto);
  /// The dense tensor of a sparse one.
  Result<Tensor> read(const octet_onnx::SparseTensorProto& proto);

 private:
  Result<Tensor> read_unnamed(const octet_onnx::TensorProto& proto);
  Result<Tensor> read_external(const octet_onnx::TensorProto& proto, DType dtype, Dims dims);
  Result<Tensor> read_strings(const octet_onnx::TensorProto& proto, Dims dims) const;
  Result<Tensor> read_fixed(const octet_onnx::TensorProto& proto, DType dtype, Dims dims);
  Result<Tensor> read_varints(const octet_onnx::TensorProto& proto, DType dtype, Dims dims);
  Result<Tensor> view(DType dtype, Dims dims, std::span<const std::byte> bytes,
                      const std::shared_ptr<const void>& owner) const;
  Status take(uint64_t bytes);

  SharedBytes file_;
  ExternalFiles* external_;
  const ImportLimits& limits_;
  uint64_t decoded_ = 0;
};

}  // namespace octet::onnx
