#pragma once

#include <vector>

#include "engine/ops/op.h"

namespace octet {

/// Runs one node on tensors, on the caller's thread, with the operator's last implementation (the
/// scalar one): for constant folding and for tests. f16 and bf16 are widened and narrowed around
/// it. `max_bytes` bounds each output. Fails where the operator needs bodies or values are boxed.
Result<std::vector<Tensor>> evaluate(const Graph& graph, const Node& node,
                                     const std::vector<Tensor>& inputs, size_t max_bytes);
/// The same on the node's own constant inputs.
Result<std::vector<Tensor>> evaluate(const Graph& graph, const Node& node, size_t max_bytes);

/// `tensor` with elements of another float type (f16, bf16, f32, f64).
Result<Tensor> convert_float(const Tensor& tensor, DType dtype);

}  // namespace octet
