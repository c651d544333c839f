#pragma once

#include <vector>

#include "engine/ir/type.h"

namespace octet::ops {

/// Index of the scale (and zero point) that element `i` of a row-major tensor takes: one for all,
/// one for each index of an axis, or one for each block along it.
class ScaleIndex {
 public:
  ScaleIndex(const Dims& dims, size_t scales, int64_t axis, int64_t block);
  size_t operator()(size_t i) const {
    if (extent_ == 0) return 0;
    const size_t channel = i / inner_ % extent_;
    if (!blocked_) return channel;
    const size_t blocks = (extent_ + block_ - 1) / block_;
    return (i / (inner_ * extent_) * blocks + channel / block_) * inner_ + i % inner_;
  }
  /// Runs of elements into which a row of axis 0 (of `row` elements) falls. The scales of a run lie
  /// one behind the other, and `group` neighbours share one.
  struct Runs {
    size_t length;
    size_t group;
  };
  Runs runs(size_t row) const;

 private:
  size_t inner_ = 1;
  size_t extent_ = 0;  // 0: one scale for all
  size_t block_ = 1;
  bool blocked_ = false;
};

/// The real elements of a constant, row-major: dequantized when `quant` is set (per tensor, per
/// channel or by blocks), widened to float otherwise. Empty for types that hold no numbers.
std::vector<float> real_elements(const Tensor& tensor, const QuantPtr& quant);

/// The same as an f32 tensor, after checking that the axis is inside the rank and that scales and
/// zero points are as many as the codes' dims ask for.
Result<Tensor> dequantize_constant(const Tensor& codes, const QuantPtr& quant);

/// Scale and zero point of each channel; one of each for every channel when `quant` is per tensor.
struct ChannelParams {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
  bool symmetric() const;  ///< Every zero point is 0.
};
/// Requires that `quant` isn't blocked and is per tensor or has `channels` scales.
ChannelParams channel_params(const QuantType& quant, size_t channels);

/// Codes of a constant, one a byte: the tensor's own bytes, or 4-bit types unpacked.
class CodeBytes {
 public:
  explicit CodeBytes(const Tensor& tensor);
  const uint8_t* data() const { return data_; }

 private:
  Tensor tensor_;
  std::vector<uint8_t> unpacked_;
  const uint8_t* data_;
};

/// Whether codes of `quant` are 8-bit and share one scale: what integer kernels take as activation.
bool is_int8_per_tensor(const QuantPtr& quant);
/// The same, or one scale a channel along `axis`: what they take as weights.
bool is_int8_weight(const QuantPtr& quant, int axis);

}  // namespace octet::ops
