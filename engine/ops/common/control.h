#pragma once

#include <vector>

#include "engine/ops/op.h"

// What If, Loop and Scan share: bodies run on tensors; results depend on data.

namespace octet::ops {

/// A view as a tensor that borrows its bytes, or shares what is boxed.
Tensor borrow(const TensorView& view);
/// The same with bytes of its own, as an element of a list must have.
Tensor own(const TensorView& view);

/// Borrowed inputs from `first` on; a node's captures are its last inputs.
std::vector<Tensor> borrow_inputs(const RunContext& context, size_t first);

/// Copies `tensor` to output i; what is boxed is shared.
Status copy_to_output(RunContext& context, size_t i, const Tensor& tensor);

/// Every port as its logical type says: halves stay halves, quantized values are real.
std::optional<Ports> match_logical(const LowerContext& context);

/// The type that covers both: extents that differ become unknown. An error when the element types
/// differ.
Result<Type> cover(const Type& a, const Type& b);

/// Types of a body's outputs such that its state (the first `states` formal inputs from `first` on,
/// outputs from `first_output` on) may change shape between iterations. `formals` are widened to
/// what the state may become.
Result<std::vector<Type>> infer_iterated(InferContext& context, std::vector<Type>& formals,
                                         size_t first, size_t states, size_t first_output);

}  // namespace octet::ops
