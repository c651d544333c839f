#include "engine/ops/common/integer_conv.h"
#include "engine/ops/op.h"

// octet.ScaledConv: ConvInteger whose sums become real numbers (IntegerConvPorts::scales). Inputs:
// X, W, their zero points, their scales, a bias, the residual of the epilogue. X has one scale and
// zero point; W and the bias one element, or one for each output channel.

namespace octet::ops::scaled_conv {
namespace {

constexpr const IntegerConvPorts& kPorts = kScaledConvPorts;

Status infer(InferContext& context) { return infer_integer_conv(context, kPorts); }

Status run(const Attrs& attrs, RunContext& context) {
  return run_integer_conv(kPorts, attrs.as<ConvAttrs>(), context);
}

std::optional<Dim> macs(const Graph& graph, const Node& node) {
  return conv_macs(graph, node, kPorts.w);
}

constexpr Implementation kImplementations[] = {
    {.name = "depthwise_s8",
     .match = [](const LowerContext& c) { return match_integer_depthwise(c, kPorts); },
     .prepare = [](const LowerContext& c) { return prepare_integer_conv(c, kPorts); }},
    {.name = "conv_s8",
     .match = [](const LowerContext& c) { return match_integer_conv(c, kPorts); },
     .prepare = [](const LowerContext& c) { return prepare_integer_conv(c, kPorts); }},
    reference<run>(),
};

}  // namespace

extern const OpDef ScaledConv;
const OpDef ScaledConv = {
    .domain = kOctetDomain,
    .name = "ScaledConv",
    .inputs = {6, 8},
    .attrs = attr_codec<ConvAttrs>(),
    .infer = infer,
    .macs = macs,
    .implementations = kImplementations,
    .foldable = false,
};

}  // namespace octet::ops::scaled_conv
