#include "engine/quant/weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace octet::quant {
namespace {

struct ChannelAxis {
  size_t count = 1;
  size_t inner = 1;
  size_t of(size_t element) const { return element / inner % count; }
};

ChannelAxis channels_of(const Tensor& tensor, int axis) {
  ChannelAxis channels;
  if (axis < 0) return {1, std::max<size_t>(tensor.count(), 1)};
  channels.count = static_cast<size_t>(tensor.dims()[static_cast<size_t>(axis)]);
  for (size_t i = static_cast<size_t>(axis) + 1; i < tensor.rank(); ++i)
    channels.inner *= static_cast<size_t>(tensor.dims()[i]);
  return channels;
}

constexpr float kHighest = 127.0F;  // Narrow range: -127 to 127.

// Sum of squared differences between the values and their codes of this scale. Every eighth value
// has an accumulator of its own; adding and taking away 1.5 * 2^23 rounds to the nearest integer.
double squared_error(std::span<const float> values, float scale) {
  constexpr float kRound = 12582912.0F;
  const float per_unit = 1.0F / scale;
  const auto error_of = [&](float v) {
    const float code = std::min(std::max(v * per_unit, -kHighest), kHighest);
    const float error = v - (code + kRound - kRound) * scale;
    return error * error;
  };
  float sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= values.size(); i += 8)
    for (size_t lane = 0; lane < 8; ++lane) sums[lane] += error_of(values[i + lane]);
  double sum = 0;
  for (; i < values.size(); ++i) sum += static_cast<double>(error_of(values[i]));
  for (const float lane : sums) sum += static_cast<double>(lane);
  return sum;
}

// The scale of least squared error among those that clip at 50%, 52% … 100% of the largest
// magnitude.
float best_scale(std::span<const float> values) {
  float largest = 0.0F;
  for (const float v : values) largest = std::max(largest, std::fabs(v));
  const float whole = largest / kHighest;
  if (!(whole >= 2 * std::numeric_limits<float>::min()))
    return whole >= std::numeric_limits<float>::min() ? whole : 1.0F;
  float best = whole;
  double smallest = squared_error(values, whole);
  for (int percent = 98; percent >= 50; percent -= 2) {
    const float scale = whole * static_cast<float>(percent) / 100.0F;
    const double error = squared_error(values, scale);
    if (!(error < smallest)) continue;
    smallest = error;
    best = scale;
  }
  return best;
}

Tensor scale_tensor(const std::vector<float>& scales, bool per_tensor) {
  return per_tensor ? Tensor::scalar(scales[0])
                    : Tensor::of(Dims{static_cast<int64_t>(scales.size())}, scales);
}

}  // namespace

Result<std::vector<float>> weight_scales(const Tensor& weights, int axis) {
  const auto values = weights.as<float>();
  if (!std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
    return invalid_model("a weight is not finite");
  const ChannelAxis channels = channels_of(weights, axis);
  const size_t stride = channels.count * channels.inner;
  std::vector<float> scales(channels.count, 1.0F);
  std::vector<float> channel;
  for (size_t c = 0; c < channels.count; ++c) {
    channel.clear();
    for (size_t i = c * channels.inner; i < values.size(); i += stride)
      channel.insert(channel.end(), values.begin() + static_cast<std::ptrdiff_t>(i),
                     values.begin() + static_cast<std::ptrdiff_t>(i + channels.inner));
    scales[c] = best_scale(channel);
  }
  return scales;
}

Result<QuantizedTensor> quantize_weights(const Tensor& weights, int axis) {
  OCTET_ASSIGN(const auto scales, weight_scales(weights, axis));
  const auto values = weights.as<float>();
  const ChannelAxis channels = channels_of(weights, axis);
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
