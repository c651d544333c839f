#pragma once

#include "engine/ops/common/recurrent.h"
#include "kernels/gemm_f32/gemm_f32.h"
#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::ops::recurrent {

/// X W^T + bias of all directions at once, as float: [rows of X, directions * gates * hidden]. W is
/// packed ahead.
class Projection {
 public:
  /// How X arrives: float; codes of its quantized type; float, to be rounded to codes of its own
  /// range in each run.
  enum class Input : uint8_t { real, codes, dynamic };

  /// `bias` has one value a column. Requires for all but `real` that W is a constant of codes.
  Status prepare(const LowerContext& context, Input input, std::vector<float> bias);
  size_t columns() const { return columns_; }
  size_t scratch_bytes(size_t rows) const;
  void run(const TensorView& x, size_t rows, float* out, std::byte* scratch,
           Parallel& parallel) const;

 private:
  Status pack_real(const LowerContext& context);
  Status pack_codes(const LowerContext& context);
  void run_real(const float* x, size_t rows, float* out, Parallel& parallel) const;
  kernels::GemmS8Args code_arguments(size_t rows, float* out) const;

  Input input_ = Input::real;
  size_t inputs_ = 0;
  size_t columns_ = 0;
  std::vector<float> bias_;
  std::vector<float> multiplier_;  // of W, times X's scale where that is known
  QuantPtr x_quant_;
  int32_t x_zero_ = 0;
  Tensor packed_;
  const kernels::GemmF32Table* gemm_f32_ = nullptr;
  const kernels::GemmS8Table* gemm_s8_ = nullptr;
  const kernels::QuantizeLinearTable* quantize_ = nullptr;
};

/// The next multiple of a cache line, where scratch is cut.
inline size_t align_bytes(size_t bytes) { return (bytes + 63) & ~size_t{63}; }

}  // namespace octet::ops::recurrent
