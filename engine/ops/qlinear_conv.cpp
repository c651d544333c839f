#include "engine/ops/common/integer_conv.h"
#include "engine/ops/op.h"

namespace octet::ops::qlinear_conv {
namespace {

constexpr const IntegerConvPorts& kPorts = kQLinearConvPorts;

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

extern const OpDef QLinearConv;
const OpDef QLinearConv = {
    .domain = "",
    .name = "QLinearConv",
    .since = 10,
    .inputs = {8, 9},
    .attrs = attr_codec<ConvAttrs>(),
    .infer = infer,
    .macs = macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::qlinear_conv
