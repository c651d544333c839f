#include "engine/ops/common/integer_conv.h"

#include <cmath>
#include <cstdlib>

#include "engine/ops/common/accumulator.h"
#include "engine/ops/common/activation.h"
#include "engine/ops/common/code_view.h"
#include "engine/ops/common/conv_kernel.h"

namespace octet::ops {
namespace {

using namespace kernels;
using Storage = PortForm::Storage;

constexpr int64_t kMaxBias = int64_t{1} << 30;

// What the kernel row knows ahead of a run.
struct Constants {
  std::vector<int32_t> w_zero;    // [M]
  std::vector<float> multiplier;  // [M], with scales that of W alone; empty: the output is sums
  std::vector<int32_t> bias;      // [M], or empty
  std::vector<float> bias_f32;    // [M], or empty
  int32_t y_zero = 0;
};

// `values`, repeated when one serves all `count` channels; false when they are neither.
template <typename To, typename From>
bool spread(const std::vector<From>& values, size_t count, std::vector<To>& out) {
  if (values.size() != 1 && values.size() != count) return false;
  out.resize(count);
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<To>(values[values.size() == 1 ? 0 : i]);
  return true;
}

bool read_requantization(const LowerContext& context, const IntegerConvPorts& ports,
                         size_t channels, Constants& constants) {
  const Tensor* x = context.constant(ports.x_scale);
  const Tensor* w = context.constant(ports.w_scale);
  const Tensor* y = context.constant(ports.y_scale);
  const Tensor* zero = context.constant(ports.y_zero);
  if (x == nullptr || w == nullptr || y == nullptr || zero == nullptr || x->count() != 1 ||
      y->count() != 1 || zero->count() != 1 ||
      !spread(w->to_float(), channels, constants.multiplier))
    return false;
  for (float& m : constants.multiplier) m = m * x->to_float()[0] / y->to_float()[0];
  constants.y_zero = static_cast<int32_t>(zero->to_int64()[0]);
  if (!context.has_input(ports.bias)) return true;
  const Tensor* bias = context.constant(ports.bias);
  if (bias == nullptr || bias->count() != channels) return false;
  for (const int64_t sum : bias->to_int64()) {
    if (std::llabs(sum) > kMaxBias) return false;
    constants.bias.push_back(static_cast<int32_t>(sum));
  }
  return true;
}

bool read_scales(const LowerContext& context, const IntegerConvPorts& ports, size_t channels,
                 Constants& constants) {
  const Tensor* w = context.constant(ports.w_scale);
  if (w == nullptr || !spread(w->to_float(), channels, constants.multiplier)) return false;
  if (!context.has_input(ports.bias)) return true;
  const Tensor* bias = context.constant(ports.bias);
  return bias != nullptr && spread(bias->to_float(), channels, constants.bias_f32);
}

// Nothing when the kernels can't run the node.
std::optional<Constants> read_constants(const LowerContext& context,
                                        const IntegerConvPorts& ports) {
  const Tensor* w = context.constant(ports.w);
  if (w == nullptr || w->rank() < 3 || w->rank() > 4) return std::nullopt;
  const auto channels = static_cast<size_t>(w->dims()[0]);
  const auto depth = static_cast<int64_t>(w->count() / std::max<size_t>(channels, 1));
  if (depth > kMaxIntegerDepth) return std::nullopt;
  Constants constants;
  std::vector<int64_t> zero = {0};
  if (context.has_input(ports.w_zero)) {
    const Tensor* stored = context.constant(ports.w_zero);
    if (stored == nullptr) return std::nullopt;
    zero = stored->to_int64();
  }
  if (!spread(zero, channels, constants.w_zero)) return std::nullopt;
  if (ports.requantizes && !read_requantization(context, ports, channels, constants))
    return std::nullopt;
  if (ports.scales && !read_scales(context, ports, channels, constants)) return std::nullopt;
  return constants;
}

std::optional<size_t> residual_port(const IntegerConvPorts& ports, const Node& node) {
  if (!ports.scales || node.attrs.as<ConvAttrs>().epilogue.residual == Epilogue::Residual::none)
    return std::nullopt;
  return node.inputs.size() - 1;
}

class IntegerConv final : public Step {
 public:
  IntegerConv(const LowerContext& context, const IntegerConvPorts& ports, Constants constants,
              ConvKernel kernel)
      : attrs_(context.attrs<ConvAttrs>()),
        ports_(ports),
        constants_(std::move(constants)),
        end_(real_end(attrs_.epilogue)),
        finish_(attrs_.epilogue, nullptr, context.cpu()),
        kernel_(std::move(kernel)) {}

  Status run(RunContext& context) const override {
    const TensorView& x = context.input(ports_.x);
    const TensorView& out = context.output(0);
    ConvIo io;
    io.in = x.data;
    io.in_signed = x.dtype == DType::s8;
    io.in_zero_point = zero_point_at(context, ports_.x_zero);
    io.out = out.data;
    ConvEpilogue end = ports_.scales ? real_epilogue() : epilogue(out.dtype);
    std::byte* scratch = context.scratch().data();
    if (ports_.scales) {
      auto* factors = reinterpret_cast<float*>(scratch);
      const float scale = *context.input(ports_.x_scale).as<float>();
      for (size_t c = 0; c < constants_.multiplier.size(); ++c)
        factors[c] = scale * constants_.multiplier[c];
      end.multiplier = factors;
      scratch += factor_bytes();
    }
    kernel_.run(shape_of(x, context.input(ports_.w), out), io, end, scratch, context.parallel());
    if (ports_.scales && end_.finish) {
      const auto residual = residual_port(ports_, context.node());
      finish_.run(out.as<float>(), static_cast<size_t>(out.count()),
                  residual ? context.input(*residual).as<float>() : nullptr, nullptr,
                  context.parallel());
    }
    return {};
  }
  size_t scratch_bytes(std::span<const TensorView> inputs, std::span<const TensorView> outputs,
                       size_t width) const override {
    return factor_bytes() +
           kernel_.scratch_bytes(shape_of(inputs[ports_.x], inputs[ports_.w], outputs[0]), width);
  }
  StepInfo info() const override { return kernel_.info(); }

 private:
  ConvShape shape_of(const TensorView& x, const TensorView& w, const TensorView& out) const {
    return integer_conv_shape(conv_geometry(attrs_, x.dims, w.dims, out.dims));
  }
  // The factors of one run, in front of the kernel's own scratch.
  size_t factor_bytes() const {
    return ports_.scales ? (constants_.multiplier.size() * sizeof(float) + 63) / 64 * 64 : 0;
  }
  ConvEpilogue real_epilogue() const {
    ConvEpilogue e;
    e.out = Element::f32;
    e.bias_f32 = constants_.bias_f32.empty() ? nullptr : constants_.bias_f32.data();
    e.low = end_.low;
    e.high = end_.high;
    return e;
  }
  ConvEpilogue epilogue(DType output) const {
    ConvEpilogue e;
    e.bias = constants_.bias.empty() ? nullptr : constants_.bias.data();
    e.out = Element::s32;
    if (output == DType::s32) return e;
    e.out = output == DType::u8 ? Element::u8 : Element::s8;
    e.multiplier = constants_.multiplier.data();
    e.zero_point = constants_.y_zero;
    e.low = output == DType::u8 ? 0.0F : -128.0F;
    e.high = output == DType::u8 ? 255.0F : 127.0F;
    return e;
  }

  ConvAttrs attrs_;
  IntegerConvPorts ports_;
  Constants constants_;
  RealEnd end_;
  FloatFinish finish_;
  ConvKernel kernel_;
};

void store(const IntegerConvPorts& ports, const RunContext& context, int64_t to, int64_t channel,
           int64_t exact) {
  const TensorView& out = context.output(0);
  if (!ports.requantizes && !ports.scales) {
    out.as<int32_t>()[to] = static_cast<int32_t>(exact);
    return;
  }
  if (ports.scales) {
    float value = static_cast<float>(static_cast<int32_t>(exact)) *
                  (scale_at(context, ports.x_scale) * scale_at(context, ports.w_scale, channel));
    if (context.has_input(ports.bias)) value += scale_at(context, ports.bias, channel);
    const auto residual = residual_port(ports, context.node());
    out.as<float>()[to] = finished(context.node().attrs.as<ConvAttrs>().epilogue, value,
                                   residual ? context.input(*residual).as<float>() : nullptr, to);
    return;
  }
  if (context.has_input(ports.bias)) exact += context.input(ports.bias).as<int32_t>()[channel];
  const float scale = scale_at(context, ports.w_scale, channel) * scale_at(context, ports.x_scale) /
                      scale_at(context, ports.y_scale);
  // One that isn't finite gives no code in particular.
  const float multiplier = std::isfinite(scale) ? scale : 0.0F;
  const ZeroPoint zero{zero_point_at(context, ports.y_zero)};
  const auto sum = static_cast<int32_t>(exact);
  if (out.dtype == DType::u8)
    out.as<uint8_t>()[to] = static_cast<uint8_t>(requantize(sum, multiplier, zero, 0, 255));
  else
    out.as<int8_t>()[to] = static_cast<int8_t>(requantize(sum, multiplier, zero, -128, 127));
}

Status check_counts(const InferContext& context, const IntegerConvPorts& ports) {
  const Dim one(1);
  if (!context.has_rank(ports.w) || context.shape(ports.w).empty()) return {};
  const Dim channels = context.shape(ports.w)[0];
  OCTET_RETURN_IF_ERROR(require_count(context, ports.x_zero, "X's zero point", {one}));
  OCTET_RETURN_IF_ERROR(require_count(context, ports.w_zero, "W's zero point", {one, channels}));
  if (!ports.requantizes && !ports.scales) return {};
  OCTET_RETURN_IF_ERROR(require_count(context, ports.x_scale, "X's scale", {one}));
  OCTET_RETURN_IF_ERROR(require_count(context, ports.w_scale, "W's scale", {one, channels}));
  if (ports.scales) return require_count(context, ports.bias, "the bias", {one, channels});
  OCTET_RETURN_IF_ERROR(require_count(context, ports.y_scale, "the output's scale", {one}));
  OCTET_RETURN_IF_ERROR(require_count(context, ports.y_zero, "the output's zero point", {one}));
  if (!context.has_input(ports.bias)) return {};
  OCTET_RETURN_IF_ERROR(context.require(ports.bias, {DType::s32}));
  return require_count(context, ports.bias, "the bias", {channels});
}

}  // namespace

Status infer_integer_conv(InferContext& context, const IntegerConvPorts& ports) {
  OCTET_RETURN_IF_ERROR(require_codes(context, ports.x, ports.x_zero));
  OCTET_RETURN_IF_ERROR(require_codes(context, ports.w, ports.w_zero));
  if (ports.requantizes) {
    OCTET_RETURN_IF_ERROR(context.require(ports.y_zero, {DType::u8, DType::s8}));
    for (const size_t scale : {ports.x_scale, ports.w_scale, ports.y_scale})
      OCTET_RETURN_IF_ERROR(context.require(scale, {DType::f32, DType::f16, DType::bf16}));
  } else if (ports.scales) {
    OCTET_RETURN_IF_ERROR(context.require(ports.x_scale, {DType::f32}));
    OCTET_RETURN_IF_ERROR(context.require(ports.w_scale, {DType::f32}));
  }
  OCTET_ASSIGN(auto shape,
               conv_output_shape(context.attrs<ConvAttrs>(), context.input(ports.x).shape,
                                 context.input(ports.w).shape));
  OCTET_RETURN_IF_ERROR(check_counts(context, ports));
  const DType sums = ports.scales ? DType::f32 : DType::s32;
  context.set_tensor(0, ports.requantizes ? context.dtype(ports.y_zero) : sums, std::move(shape));
  return {};
}

std::optional<Ports> match_integer_conv(const LowerContext& context,
                                        const IntegerConvPorts& ports) {
  if (!read_constants(context, ports)) return std::nullopt;
  Ports forms;
  forms.inputs.resize(context.node().inputs.size());
  forms.inputs[ports.x] = {Storage::stored, Layout::channels_last};
  forms.inputs[ports.w].storage = Storage::stored;
  if (const auto residual = residual_port(ports, context.node()))
    forms.inputs[*residual].layout = Layout::channels_last;
  forms.outputs = {{ports.scales ? Storage::real : Storage::stored, Layout::channels_last}};
  return forms;
}

std::optional<Ports> match_integer_depthwise(const LowerContext& context,
                                             const IntegerConvPorts& ports) {
  const Tensor* w = context.constant(ports.w);
  if (w == nullptr || w->rank() < 3 || !is_depthwise(w->dims(), context.attrs<ConvAttrs>().group))
    return std::nullopt;
  return match_integer_conv(context, ports);
}

Result<std::unique_ptr<Step>> prepare_integer_conv(const LowerContext& context,
                                                   const IntegerConvPorts& ports) {
  Constants constants = *read_constants(context, ports);
  OCTET_ASSIGN(ConvKernel kernel, ConvKernel::make(context, ports.w, constants.w_zero));
  return std::unique_ptr<Step>(
      std::make_unique<IntegerConv>(context, ports, std::move(constants), std::move(kernel)));
}

Status run_integer_conv(const IntegerConvPorts& ports, const ConvAttrs& attrs,
                        RunContext& context) {
  const TensorView& x = context.input(ports.x);
  const TensorView& w = context.input(ports.w);
  const ConvGeometry geometry = conv_geometry(attrs, x.dims, w.dims, context.output(0).dims);
  const int32_t x_zero = zero_point_at(context, ports.x_zero);
  const int64_t depth = geometry.group_in() * geometry.taps();
  int64_t sum = 0;
  walk_convolution(
      geometry,
      [&](int64_t xi, int64_t wi) {
        sum += (code_at(x, xi) - x_zero) *
               (code_at(w, wi) - zero_point_at(context, ports.w_zero, wi / depth));
      },
      [&](int64_t to, int64_t channel) {
        store(ports, context, to, channel, sum);
        sum = 0;
      });
  return {};
}

}  // namespace octet::ops
