#include "engine/ops/common/integer_conv.h"
#include "engine/ops/op.h"

namespace octet::ops::conv_integer {
namespace {

constexpr const IntegerConvPorts& kPorts = kConvIntegerPorts;

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

extern const OpDef ConvInteger;
const OpDef ConvInteger = {
    .domain = "",
    .name = "ConvInteger",
    .since = 10,
    .inputs = {2, 4},
    .attrs = attr_codec<ConvAttrs>(),
    .infer = infer,
    .macs = macs,
    .implementations = kImplementations,
};

}  // namespace octet::ops::conv_integer
