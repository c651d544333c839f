#pragma once

#include <optional>

#include "engine/ops/epilogue.h"
#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {

/// The epilogue of a convolution or product. XNNPACK's operator clamps its result; whatever else
/// there is follows in place.
class Finish {
 public:
  static bool takes(const Epilogue& epilogue);
  /// `residual`: the index of the node's residual input.
  Finish(const Epilogue& epilogue, std::optional<size_t> residual);

  /// What the operator itself clamps to.
  Range range() const;
  /// Bytes that `run` needs in the context's scratch.
  size_t scratch_bytes(const TensorView& y) const;
  /// Finishes output 0.
  Status run(RunContext& context) const;

 private:
  bool adds(Epilogue::Residual when) const { return epilogue_.residual == when; }
  bool activates() const;
  Status add_residual(RunContext& context) const;
  Status activate(RunContext& context) const;

  Epilogue epilogue_;
  std::optional<size_t> residual_;
  Operators function_, addition_, product_;
};

}  // namespace octet::runtime::xnnpack
