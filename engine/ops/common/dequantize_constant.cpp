#include "engine/ops/common/dequantize_constant.h"

namespace octet {

Result<Tensor> dequantize_constant(const Tensor& codes, const QuantType& quant) {
  OCTET_ASSIGN(Tensor out, Tensor::zeros(DType::f32, codes.dims()));
  const auto values = codes.to_int64();
  const auto scales = quant.scale.to_float();
  const auto zeros = quant.zero_point.dtype() == DType::undefined
                         ? std::vector<int64_t>(scales.size(), 0)
                         : quant.zero_point.to_int64();
  const Dims& dims = codes.dims();
  size_t channels = 1;
  size_t inner = 1;
  size_t block = 1;
  if (!quant.per_tensor()) {
    const auto axis = static_cast<size_t>(quant.axis);
    if (axis >= dims.size()) return invalid_model("quantization axis is outside the rank");
    channels = static_cast<size_t>(dims[axis]);
    for (size_t i = axis + 1; i < dims.size(); ++i) inner *= static_cast<size_t>(dims[i]);
    block = quant.block > 0 ? static_cast<size_t>(quant.block) : 1;
  }
  const size_t groups = (channels + block - 1) / block;
  // A blocked scale varies along every axis; a channel's scale only along its own.
  const bool blocked = quant.block > 0;
  const size_t expected = blocked ? values.size() / std::max<size_t>(channels, 1) * groups : groups;
  if (!quant.per_tensor() && (scales.size() != expected || zeros.size() != expected))
    return invalid_model("the scale's shape doesn't fit the quantized tensor");
  auto* result = out.writable_as<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    size_t at = 0;
    if (!quant.per_tensor()) {
      const size_t channel = i / inner % channels;
      at =
          blocked ? (i / inner / channels * groups + channel / block) * inner + i % inner : channel;
    }
    result[i] = static_cast<float>(values[i] - zeros[at]) * scales[at];
  }
  return out;
}

}  // namespace octet
