#include "engine/quant/weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::quant {
namespace {

struct Channels {
  size_t count = 1;
  size_t inner = 1;
  size_t of(size_t element) const { return element / inner % count; }
};

Channels channels_of(const Tensor& tensor, int axis) {
  Channels channels;
  if (axis < 0) return {1, std::max<size_t>(tensor.count(), 1)};
  channels.count = static_cast<size_t>(tensor.dims()[static_cast<size_t>(axis)]);
  for (size_t i = static_cast<size_t>(axis) + 1; i < tensor.rank(); ++i)
    channels.inner *= static_cast<size_t>(tensor.dims()[i]);
  return channels;
}

Tensor scale_tensor(const std::vector<float>& scales, bool per_tensor) {
  return per_tensor ? Tensor::scalar(scales[0])
                    : Tensor::of(Dims{static_cast<int64_t>(scales.size())}, scales);
}

}  // namespace

Result<QuantizedTensor> quantize_weights(const Tensor& weights, int axis) {
  const auto values = weights.as<float>();
  const Channels channels = channels_of(weights, axis);
  std::vector<float> scales(channels.count, 0.0F);
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) return invalid_model("a weight is not finite");
    float& largest = scales[channels.of(i)];
    largest = std::max(largest, std::fabs(values[i]));
  }
  for (float& scale : scales) {
    scale /= 127.0F;
    if (!(scale >= std::numeric_limits<float>::min())) scale = 1.0F;
  }
  OCTET_ASSIGN(Tensor codes, Tensor::zeros(DType::s8, weights.dims()));
  auto* out = codes.writable_as<int8_t>();
  for (size_t i = 0; i < values.size(); ++i)
    out[i] =
        std::max<int8_t>(octet::quantize<int8_t>(values[i], {scales[channels.of(i)]}, {}), -127);

  auto quant = std::make_shared<QuantType>();
  quant->storage = DType::s8;
  quant->scale = scale_tensor(scales, axis < 0);
  quant->axis = std::max(axis, 0);
  return QuantizedTensor{std::move(codes), std::move(quant)};
}

Result<QuantizedTensor> quantize_bias(const Tensor& bias, Scale input, const QuantType& weights) {
  const auto values = bias.as<float>();
  const auto weight_scales = weights.scale.to_float();
  const bool per_tensor = weight_scales.size() == 1;
  if (!per_tensor && weight_scales.size() != values.size())
    return unsupported("the bias doesn't have an element for each weight scale");
  std::vector<float> scales(weight_scales);
  for (float& scale : scales) scale *= input.v;
  constexpr double kLimit = 1 << 30;
  OCTET_ASSIGN(Tensor codes, Tensor::zeros(DType::s32, bias.dims()));
  for (size_t i = 0; i < values.size(); ++i) {
    const double scale = scales[per_tensor ? 0 : i];
    const double code = std::nearbyint(static_cast<double>(values[i]) / scale);
    if (!(std::fabs(code) < kLimit))
      return unsupported("the bias is too large for the scales of its input and weights");
    codes.writable_as<int32_t>()[i] = static_cast<int32_t>(code);
  }
  auto quant = std::make_shared<QuantType>();
  quant->storage = DType::s32;
  quant->scale = scale_tensor(scales, per_tensor);
  return QuantizedTensor{std::move(codes), std::move(quant)};
}

}  // namespace octet::quant
