#pragma once

#include "engine/ops/step.h"
#include "kernels/gemm_s8/gemm_s8.h"
#include "kernels/quantize_linear/quantize_linear.h"

namespace octet::ops {

/// C = epilogue(A B) for an A of real numbers, each row of which is quantized to u8 by its own
/// range (ONNX DynamicQuantizeLinear's formula). Blocks of rows are quantized and multiplied one
/// after the other while their codes are in cache; which rows share a block changes no result.
class RowProduct {
 public:
  explicit RowProduct(CpuToken cpu);
  size_t scratch_bytes(const kernels::GemmS8Table& gemm, size_t m, size_t k, size_t width) const;
  /// gemm: the table that B is packed by. args: A is float, its rows dense; packed, c and an
  /// epilogue of type f32 are set; A's zero points, row_scale and scratch are ours.
  void run(const kernels::GemmS8Table& gemm, const kernels::GemmS8Args& args, std::byte* scratch,
           Parallel& parallel) const;

 private:
  struct Blocks {
    size_t rows;   // of a block
    size_t count;  // blocks
    size_t slots;  // that run at the same time
  };
  struct Parameters {
    float* scale;
    int32_t* zero_point;
  };
  static Blocks blocks_of(const kernels::GemmS8Table& gemm, size_t m, size_t width);
  static size_t block_bytes(const kernels::GemmS8Table& gemm, size_t rows, size_t k);
  void multiply(const kernels::GemmS8Table& gemm, const kernels::GemmS8Args& all, size_t begin,
                size_t count, Parameters rows, std::byte* scratch, Parallel& parallel) const;

  const kernels::QuantizeLinearTable& quantize_;
};

/// The same codes and parameters all at once, by the scalar kernel: for plain loops.
struct RowCodes {
  explicit RowCodes(const TensorView& a);
  std::vector<uint8_t> codes;
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
};

}  // namespace octet::ops
