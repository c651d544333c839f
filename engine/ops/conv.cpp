#include "engine/ops/conv.h"

#include <algorithm>

#include "engine/ops/common/activation.h"
#include "engine/ops/common/conv_f32.h"
#include "engine/ops/common/conv_geometry.h"
#include "engine/ops/common/conv_s8.h"
#include "engine/ops/op.h"

namespace octet::ops::conv {
namespace {

Status infer(InferContext& context) {
  OCTET_RETURN_IF_ERROR(context.require_same_dtype(0, 1));
  OCTET_ASSIGN(auto shape, conv_output_shape(context.attrs<ConvAttrs>(), context.input(0).shape,
                                             context.input(1).shape));
  OCTET_RETURN_IF_ERROR(check_bias(context, conv_ports(context.node()).bias, 0, 1));
  context.set_tensor(0, context.dtype(0), std::move(shape));
  return {};
}

template <typename T>
void convolve(const ConvAttrs& attrs, RunContext& context) {
  const TensorView& out = context.output(0);
  const T* x = context.input(0).as<T>();
  const T* w = context.input(1).as<T>();
  const ConvPorts ports = conv_ports(context.node());
  const T* bias = ports.bias ? context.input(*ports.bias).as<T>() : nullptr;
  const T* residual = ports.residual ? context.input(*ports.residual).as<T>() : nullptr;
  const bool before = attrs.epilogue.residual == Epilogue::Residual::before_activation;
  T sum{};
  walk_convolution(
      conv_geometry(attrs, context.input(0).dims, context.input(1).dims, out.dims),
      [&](int64_t xi, int64_t wi) { sum += x[xi] * w[wi]; },
      [&](int64_t i, int64_t channel) {
        if (bias != nullptr) sum += bias[channel];
        if (residual != nullptr && before) sum += residual[i];
        sum = static_cast<T>(activate(attrs.epilogue, static_cast<double>(sum)));
        if (residual != nullptr && !before) sum += residual[i];
        out.as<T>()[i] = sum;
        sum = T{};
      });
}

Status run(const Attrs& attrs, RunContext& context) {
  const DType type = context.input(0).dtype;
  const bool known = visit_dtype(
      type, FloatTypes{}, [&]<typename T>() { convolve<T>(attrs.as<ConvAttrs>(), context); });
  return known ? Status{} : unsupported("a convolution of {}", dtype_name(type));
}

QuantSpec quant(const Graph&, const Node&) {
  using Role = PortQuant::Role;
  return {.inputs = {{Role::activation}, {.role = Role::weight, .axis = 0}, {Role::bias}},
          .outputs = {{Role::activation}},
          .anchor = true};
}

std::optional<Dim> macs(const Graph& graph, const Node& node) { return conv_macs(graph, node, 1); }

constexpr Implementation kImplementations[] = {
    {.name = "depthwise_s8", .match = match_depthwise_s8, .prepare = prepare_conv_s8},
    {.name = "conv_s8", .match = match_conv_s8, .prepare = prepare_conv_s8},
    {.name = "depthwise_f32", .match = match_depthwise_f32, .prepare = prepare_depthwise_f32},
    {.name = "winograd_f32", .match = match_winograd_f32, .prepare = prepare_winograd_f32},
    {.name = "conv_f32", .match = match_conv_f32, .prepare = prepare_conv_f32},
    reference<run>(),
};

// Ones and zeros that stand for what is the default go, where their number fits.
Status canonical(const CanonicalContext& context) {
  ConvAttrs attrs = context.attrs<ConvAttrs>();
  const size_t axes = attrs.kernel_shape.size();
  const auto drop = [](std::vector<int64_t>& values, size_t count, int64_t standard) {
    const auto is_standard = [&](int64_t v) { return v == standard; };
    if (values.size() == count && std::all_of(values.begin(), values.end(), is_standard))
      values.clear();
  };
  drop(attrs.dilations, axes, 1);
  drop(attrs.strides, axes, 1);
  drop(attrs.pads, 2 * axes, 0);
  context.node().attrs = Attrs::of(std::move(attrs));
  return {};
}

}  // namespace

extern const OpDef Conv;
const OpDef Conv = {
    .domain = "",
    .name = "Conv",
    .inputs = {2, 4},
    .attrs = attr_codec<ConvAttrs>(),
    .canonical = canonical,
    .infer = infer,
    .quant = quant,
    .macs = macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::conv
