#include "engine/quant/product.h"

#include <memory>
#include <vector>

namespace octet::quant {

void multiply(const ProductArgs& product) {
  const kernels::GemmF32Table& table = *kernels::select_gemm_f32(CpuToken::best()).table;
  kernels::GemmF32Args args;
  args.m = product.m;
  args.n = product.n;
  args.k = product.k;
  args.a = product.a;
  args.b = product.b;
  args.out = product.out;
  args.out_row = static_cast<ptrdiff_t>(product.out_row);
  args.epilogue.alpha = product.alpha;
  args.epilogue.addend = product.addend;
  args.epilogue.addend_row = args.out_row;
  constexpr size_t kAlignment = 64;
  std::vector<float> scratch(gemm_f32_scratch_size(table, args) + kAlignment / sizeof(float));
  void* aligned = scratch.data();
  size_t space = scratch.size() * sizeof(float);
  args.scratch = static_cast<float*>(std::align(kAlignment, sizeof(float), aligned, space));
  SerialParallel serial;
  gemm_f32(table, args, product.parallel != nullptr ? *product.parallel : serial);
}

}  // namespace octet::quant
