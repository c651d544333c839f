#include "engine/ops/common/recurrent_projection.h"

#include "engine/ops/common/dequantize.h"

namespace octet::ops::recurrent {

Status Projection::prepare(const LowerContext& context, Input input, std::vector<float> bias) {
  const Dims& dims = context.constant(kW)->dims();
  input_ = input;
  columns_ = static_cast<size_t>(dims[0] * dims[1]);
  inputs_ = static_cast<size_t>(dims[2]);
  bias_ = std::move(bias);
  return input == Input::real ? pack_real(context) : pack_codes(context);
}

Status Projection::pack_real(const LowerContext& context) {
  gemm_f32_ = kernels::select_gemm_f32(context.cpu()).table;
  const size_t size = kernels::gemm_f32_packed_size(*gemm_f32_, inputs_, columns_) * sizeof(float);
  PackLayout layout("gemm_f32", kernels::select_gemm_f32(context.cpu()).isa);
  layout.with(int64_t{1}).with(context.input_quant(kW));
  OCTET_ASSIGN(packed_, context.pack(kW, layout, size, [&](std::byte* packed) {
    SerialParallel serial;
    const auto w = real_elements(*context.constant(kW), context.input_quant(kW));
    const kernels::MatrixF32 view{w.data(), 1, static_cast<ptrdiff_t>(inputs_)};
    kernels::gemm_f32_pack(*gemm_f32_, view, inputs_, columns_, reinterpret_cast<float*>(packed),
                           serial);
  }));
  return {};
}

Status Projection::pack_codes(const LowerContext& context) {
  gemm_s8_ = kernels::select_gemm_s8(context.cpu()).table;
  quantize_ = kernels::select_quantize_linear(context.cpu()).table;
  const Tensor& w = *context.constant(kW);
  const QuantType& quant = *context.input_quant(kW);
  // The scales of an axis of gates * hidden serve every direction.
  const auto directions = static_cast<size_t>(w.dims()[0]);
  const ChannelParams params = channel_params(quant, columns_ / directions);
  std::vector<int32_t> zero_point;
  for (size_t d = 0; d < directions; ++d) {
    multiplier_.insert(multiplier_.end(), params.scale.begin(), params.scale.end());
    zero_point.insert(zero_point.end(), params.zero_point.begin(), params.zero_point.end());
  }
  if (input_ == Input::codes) {
    x_quant_ = context.input_quant(kX);
    x_zero_ = x_quant_->tensor_zero_point().v;
    for (float& scale : multiplier_) scale *= x_quant_->tensor_scale().v;
  }
  kernels::GemmS8Weights weights;
  weights.data = w.bytes().data();
  weights.is_unsigned = quant.storage == DType::u8;
  weights.k = inputs_;
  weights.n = columns_;
  weights.row_stride = 1;
  weights.column_stride = inputs_;
  weights.zero_point = zero_point.data();
  weights.zero_stride = 1;
  const size_t size = kernels::gemm_s8_packed_bytes(*gemm_s8_, inputs_, columns_);
  PackLayout layout("gemm_s8", kernels::select_gemm_s8(context.cpu()).isa);
  layout.with(int64_t{weights.is_unsigned}).with(int64_t{1}).with(zero_point);
  OCTET_ASSIGN(packed_, context.pack(kW, layout, size, [&](std::byte* packed) {
    kernels::gemm_s8_pack(*gemm_s8_, weights, packed);
  }));
  return {};
}

size_t Projection::scratch_bytes(size_t rows) const {
  if (input_ == Input::real) return 0;
  const size_t gemm = align_bytes(kernels::gemm_s8_scratch_bytes(*gemm_s8_, rows, inputs_));
  if (input_ == Input::codes) return gemm;
  return gemm + align_bytes(columns_ * sizeof(float)) + align_bytes(rows * inputs_);
}

void Projection::run_real(const float* x, size_t rows, float* out, Parallel& parallel) const {
  kernels::GemmF32Args args;
  args.m = rows;
  args.n = columns_;
  args.k = inputs_;
  args.a = {x, static_cast<ptrdiff_t>(inputs_), 1};
  args.packed_b = packed_.bytes().data();
  args.out = out;
  args.out_row = static_cast<ptrdiff_t>(columns_);
  args.epilogue.bias = bias_.data();
  kernels::gemm_f32(*gemm_f32_, args, parallel);
}

kernels::GemmS8Args Projection::code_arguments(size_t rows, float* out) const {
  kernels::GemmS8Args args;
  args.m = rows;
  args.n = columns_;
  args.k = inputs_;
  args.a_stride = inputs_;
  args.packed = packed_.bytes().data();
  args.c = out;
  args.c_stride = columns_;
  args.epilogue.type = kernels::GemmS8Output::f32;
  args.epilogue.multiplier = multiplier_.data();
  args.epilogue.bias_f32 = bias_.data();
  return args;
}

void Projection::run(const TensorView& x, size_t rows, float* out, std::byte* scratch,
                     Parallel& parallel) const {
  if (rows == 0) return;
  if (input_ == Input::real) return run_real(x.as<float>(), rows, out, parallel);
  kernels::GemmS8Args args = code_arguments(rows, out);
  args.scratch = scratch;
  if (input_ == Input::codes) {
    args.a = x.data;
    args.a_signed = x_quant_->storage == DType::s8;
    args.a_zero = x_zero_;
  } else {
    scratch += align_bytes(kernels::gemm_s8_scratch_bytes(*gemm_s8_, rows, inputs_));
    auto* multiplier = reinterpret_cast<float*>(scratch);
    auto* codes = reinterpret_cast<uint8_t*>(scratch + align_bytes(columns_ * sizeof(float)));
    float scale = 1.0F;
    uint8_t zero_point = 0;
    quantize_->dynamic(x.as<float>(), rows * inputs_, codes, &scale, &zero_point, parallel);
    for (size_t n = 0; n < columns_; ++n) multiplier[n] = multiplier_[n] * scale;
    args.a = codes;
    args.a_zero = zero_point;
    args.epilogue.multiplier = multiplier;
  }
  kernels::gemm_s8(*gemm_s8_, args, parallel);
}

}  // namespace octet::ops::recurrent
