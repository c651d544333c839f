#include "engine/ops/common/dequantize.h"

#include <algorithm>

namespace octet::ops {
ScaleIndex::ScaleIndex(const Dims& dims, size_t scales, int64_t axis, int64_t block) {
  if (scales == 1 && block == 0) return;
  const auto at = normalize_axis(axis, dims.size()).value_or(0);
  for (size_t d = at + 1; d < dims.size(); ++d) inner_ *= static_cast<size_t>(dims[d]);
  extent_ = static_cast<size_t>(dims[at]);
  blocked_ = block > 0;
  block_ = blocked_ ? static_cast<size_t>(block) : 1;
}

ScaleIndex::Runs ScaleIndex::runs(size_t row) const {
  if (extent_ == 0) return {row, row};
  if (inner_ == row) return {row, blocked_ ? 1 : row};
  if (!blocked_) return {inner_ * extent_, inner_};
  return inner_ == 1 ? Runs{extent_, block_} : Runs{inner_, 1};
}

std::vector<float> real_elements(const Tensor& tensor, const QuantPtr& quant) {
  std::vector<float> out = tensor.to_float();
  if (!quant) return out;
  const auto scale = quant->scale.to_float();
  std::vector<int64_t> zero;
  if (quant->zero_point.dtype() != DType::undefined) zero = quant->zero_point.to_int64();
  const ScaleIndex index(tensor.dims(), scale.size(), quant->axis, quant->block);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t at = index(i);
    if (!zero.empty()) out[i] -= static_cast<float>(zero[at]);
    out[i] *= scale[at];
  }
  return out;
}

Result<Tensor> dequantize_constant(const Tensor& codes, const QuantPtr& quant) {
  if (!quant->per_tensor()) {
    const auto axis = static_cast<size_t>(quant->axis);
    if (axis >= codes.rank()) return invalid_model("quantization axis is outside the rank");
    const auto channels = static_cast<size_t>(codes.dims()[axis]);
    const size_t block = quant->block > 0 ? static_cast<size_t>(quant->block) : 1;
    const size_t groups = (channels + block - 1) / block;
    // A blocked scale varies along every axis; a channel's scale only along its own.
    const size_t expected =
        quant->block > 0 ? codes.count() / std::max<size_t>(channels, 1) * groups : groups;
    const bool has_zero_points = quant->zero_point.dtype() != DType::undefined;
    if (quant->scale.count() != expected ||
        (has_zero_points && quant->zero_point.count() != expected))
      return invalid_model("the scale's shape doesn't fit the quantized tensor");
  }
  return Tensor::of(codes.dims(), real_elements(codes, quant));
}

bool ChannelParams::symmetric() const {
  return std::all_of(zero_point.begin(), zero_point.end(), [](int32_t z) { return z == 0; });
}

ChannelParams channel_params(const QuantType& quant, size_t channels) {
  ChannelParams params;
  params.scale = quant.scale.to_float();
  if (quant.zero_point.dtype() != DType::undefined)
    for (const int64_t zero : quant.zero_point.to_int64())
      params.zero_point.push_back(static_cast<int32_t>(zero));
  if (params.scale.size() != channels) params.scale.assign(channels, params.scale.at(0));
  if (params.zero_point.size() != channels)
    params.zero_point.assign(channels, params.zero_point.empty() ? 0 : params.zero_point[0]);
  return params;
}

CodeBytes::CodeBytes(const Tensor& tensor)
    : tensor_(tensor), data_(reinterpret_cast<const uint8_t*>(tensor.bytes().data())) {
  if (dtype_bits(tensor.dtype()) == 8) return;
  unpacked_.reserve(tensor.count());
  for (const int64_t code : tensor.to_int64()) unpacked_.push_back(static_cast<uint8_t>(code));
  data_ = unpacked_.data();
}

bool is_int8_per_tensor(const QuantPtr& quant) {
  return quant && quant->per_tensor() &&
         (quant->storage == DType::u8 || quant->storage == DType::s8);
}

bool is_int8_weight(const QuantPtr& quant, int axis) {
  return quant && quant->block == 0 &&
         (quant->storage == DType::u8 || quant->storage == DType::s8) &&
         (quant->per_tensor() || quant->axis == axis);
}

}  // namespace octet::ops
