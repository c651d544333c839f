#include "engine/ops/common/conv_f32.h"
#include "engine/ops/common/conv_geometry.h"
#include "runtime/plain_f32.h"
#include "runtime/xnnpack/finish.h"
#include "runtime/xnnpack/operators.h"

namespace octet::runtime::xnnpack {
namespace {

bool same_padding(const ops::ConvAttrs& attrs) { return attrs.auto_pad.starts_with("SAME"); }

std::optional<Ports> match(const LowerContext& context) {
  const Tensor* weights = float_constant(context, 1);
  if (weights == nullptr || weights->count() == 0) return std::nullopt;
  if (weights->rank() != 3 && weights->rank() != 4) return std::nullopt;
  if (!Finish::takes(context.attrs<ops::ConvAttrs>().epilogue)) return std::nullopt;
  return match_plain_conv(context);
}

// ONNX's [M, C / group, kernel...] as XNNPACK packs them: [M, kernel..., C / group].
std::vector<float> channels_last(const Tensor& weights) {
  const auto outputs = static_cast<size_t>(weights.dims()[0]);
  const auto inputs = static_cast<size_t>(weights.dims()[1]);
  const size_t taps = weights.count() / (outputs * inputs);
  const float* from = weights.as<float>().data();
  std::vector<float> to(weights.count());
  for (size_t o = 0; o < outputs; ++o)
    for (size_t i = 0; i < inputs; ++i)
      for (size_t t = 0; t < taps; ++t)
        to[(o * taps + t) * inputs + i] = from[(o * inputs + i) * taps + t];
  return to;
}

class Convolution final : public Step {
 public:
  explicit Convolution(const LowerContext& context)
      : attrs_(context.attrs<ops::ConvAttrs>()),
        weights_(*context.constant(1)),
        finish_(attrs_.epilogue, ops::conv_ports(context.node()).residual),
        operators_([this](const Dims& pads) { return make(pads); }) {
    const auto ports = ops::conv_ports(context.node());
    if (ports.bias) bias_ = *context.constant(*ports.bias);
  }

  /// Packs the weights, unless the padding depends on the input's extents.
  Status prepare() { return same_padding(attrs_) ? Status{} : operators_.prepare(explicit_pads()); }

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(0);
    const TensorView& y = context.output(0);
    if (y.count() == 0) return {};
    const ops::ConvGeometry g = ops::conv_geometry(attrs_, x.dims, weights_.dims(), y.dims);
    const ImageSize size{.batch = static_cast<size_t>(g.batch),
                         .height = g.in.size() == 1 ? 1 : static_cast<size_t>(g.in[0]),
                         .width = static_cast<size_t>(g.in.back()),
                         .channels = static_cast<size_t>(g.in_channels)};
    OCTET_RETURN_IF_ERROR(operators_.with(
        same_padding(attrs_) ? pads_of(g) : explicit_pads(),
        [&](Operator& op) { return run_convolution(op, size, floats(x), y.as<float>()); }));
    return finish_.run(context);
  }
  size_t scratch_bytes(std::span<const TensorView> /*inputs*/, std::span<const TensorView> outputs,
                       size_t /*width*/) const override {
    return finish_.scratch_bytes(outputs[0]);
  }
  StepInfo info() const override { return step_info("convolution_f32"); }

 private:
  size_t axes() const { return weights_.rank() - 2; }
  Dims explicit_pads() const {
    return attrs_.auto_pad == "NOTSET" && !attrs_.pads.empty() ? attrs_.pads : Dims(2 * axes(), 0);
  }
  // As the attribute would spell them.
  static Dims pads_of(const ops::ConvGeometry& g) {
    Dims pads(g.pad_begin.begin(), g.pad_begin.end());
    for (size_t i = 0; i < g.in.size(); ++i) pads.push_back(std::max<int64_t>(g.pad_end(i), 0));
    return pads;
  }

  Result<Operator> make(const Dims& pads) const {
    Window window;
    const size_t first = 2 - axes();
    const auto entry = [](std::span<const int64_t> values, size_t i) {
      return values.empty() ? uint32_t{1} : static_cast<uint32_t>(values[i]);
    };
    for (size_t i = 0; i < axes(); ++i) {
      window.kernel[first + i] = static_cast<uint32_t>(weights_.dims()[i + 2]);
      window.stride[first + i] = entry(attrs_.strides, i);
      window.dilation[first + i] = entry(attrs_.dilations, i);
      window.pad_begin[first + i] = static_cast<uint32_t>(pads[i]);
      window.pad_end[first + i] = static_cast<uint32_t>(pads[axes() + i]);
    }
    const ConvChannels channels{
        .groups = static_cast<uint32_t>(attrs_.group),
        .group_in = static_cast<size_t>(weights_.dims()[1]),
        .group_out = static_cast<size_t>(weights_.dims()[0] / attrs_.group)};
    const std::vector<float> packed = channels_last(weights_);
    const float* bias = bias_ ? bias_->as<float>().data() : nullptr;
    return make_convolution(window, channels, packed.data(), bias, finish_.range());
  }

  ops::ConvAttrs attrs_;
  Tensor weights_;
  std::optional<Tensor> bias_;
  Finish finish_;
  Operators operators_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  return prepared<Convolution>(context);
}

}  // namespace

extern const Implementation Conv_row;
const Implementation Conv_row = {
    .name = "convolution_f32", .provider = "xnnpack", .match = match, .prepare = prepare};

}  // namespace octet::runtime::xnnpack
