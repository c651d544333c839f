#include "engine/quant/region_rules.h"

#include <algorithm>
#include <numeric>

#include "engine/ops/conv.h"
#include "engine/ops/gemm.h"
#include "engine/ops/matmul.h"
#include "engine/passes/match.h"

namespace octet::quant {
namespace {

size_t rank_of(const Graph& graph, ValueId id) {
  const auto& shape = graph.value(id).type.shape;
  return shape ? shape->size() : 0;
}

bool only_axis(const Channels& channels, size_t axis) {
  return channels.axes == std::vector<size_t>{axis};
}

bool has_axis(const Channels& channels, size_t axis) {
  return std::find(channels.axes.begin(), channels.axes.end(), axis) != channels.axes.end();
}

Channels with_axes(Channels channels, std::vector<size_t> axes) {
  channels.axes = std::move(axes);
  return channels;
}

Channels inverse(Channels channels) {
  channels.exponent = -channels.exponent;
  return channels;
}

// Positively homogeneous element by element.
bool same_made(RegionGrower& g, NodeId id, ValueId, const Channels& channels) {
  return g.join(g.graph().node(id).inputs[0], channels);
}
bool same_used(RegionGrower& g, Use use, const Channels& channels) {
  return use.input == 0 && g.join(g.graph().node(use.node).outputs[0], channels);
}

// Pools work on each channel (axis 1) by itself.
bool pool_made(RegionGrower& g, NodeId id, ValueId output, const Channels& channels) {
  return only_axis(channels, 1) && same_made(g, id, output, channels);
}
bool pool_used(RegionGrower& g, Use use, const Channels& channels) {
  return only_axis(channels, 1) && same_used(g, use, channels);
}

std::vector<int64_t> permutation(const Graph& graph, const Node& node) {
  auto perm = passes::ints_attr(node, "perm");
  if (!perm.empty()) return perm;
  perm.resize(rank_of(graph, node.inputs[0]));
  std::iota(perm.rbegin(), perm.rend(), 0);
  return perm;
}

bool transpose_made(RegionGrower& g, NodeId id, ValueId, const Channels& channels) {
  const Node& node = g.graph().node(id);
  const auto perm = permutation(g.graph(), node);
  std::vector<size_t> axes;
  for (const size_t axis : channels.axes) axes.push_back(static_cast<size_t>(perm[axis]));
  return g.join(node.inputs[0], with_axes(channels, axes));
}

bool transpose_used(RegionGrower& g, Use use, const Channels& channels) {
  const Node& node = g.graph().node(use.node);
  const auto perm = permutation(g.graph(), node);
  std::vector<size_t> axes;
  for (const size_t axis : channels.axes)
    axes.push_back(static_cast<size_t>(
        std::find(perm.begin(), perm.end(), static_cast<int64_t>(axis)) - perm.begin()));
  return g.join(node.outputs[0], with_axes(channels, axes));
}

int64_t known_or_zero(const Dim& dim) { return dim.known() ? dim.value() : 0; }

// Axes [from.first, from.second) of `from` hold the same elements as those returned of `to`,
// counted from the end through known extents alone.
std::optional<std::pair<size_t, size_t>> matching_axes(const Shape& from, const Shape& to,
                                                       std::pair<size_t, size_t> axes) {
  int64_t behind = 1;
  for (size_t a = axes.second; a < from.size(); ++a) behind *= known_or_zero(from[a]);
  int64_t inside = 1;
  for (size_t a = axes.first; a < axes.second; ++a) inside *= known_or_zero(from[a]);
  if (behind == 0 || inside == 0) return std::nullopt;
  size_t end = to.size();
  int64_t product = 1;
  while (end > 0 && product < behind) {
    product *= known_or_zero(to[--end]);
    if (product == 0) return std::nullopt;
  }
  if (product != behind) return std::nullopt;
  size_t begin = end;
  product = 1;
  while (begin > 0 && product < inside) {
    product *= known_or_zero(to[--begin]);
    if (product == 0) return std::nullopt;
  }
  return product == inside ? std::optional(std::pair(begin, end)) : std::nullopt;
}

// The channels under another shape of the same elements. A channel axis that is merged with the
// axes behind it repeats each channel.
std::optional<Channels> reshaped(const Shape& from, const Shape& to, const Channels& channels) {
  for (size_t i = 0; i + 1 < channels.axes.size(); ++i)
    if (channels.axes[i] + 1 != channels.axes[i + 1]) return std::nullopt;
  const std::pair<size_t, size_t> axes{channels.axes.front(), channels.axes.back() + 1};
  Channels result = channels;
  auto match = matching_axes(from, to, axes);
  if (!match && channels.first == 0) {
    int64_t behind = 1;
    for (size_t a = axes.second; a < from.size(); ++a) behind *= known_or_zero(from[a]);
    match = matching_axes(from, to, {axes.first, from.size()});
    result.repeat *= static_cast<size_t>(behind);
  }
  if (!match) return std::nullopt;
  result.axes.clear();
  for (size_t a = match->first; a < match->second; ++a)
    if (!(to[a] == Dim(1))) result.axes.push_back(a);
  // Axes inside one channel say nothing.
  while (result.axes.size() > 1 && to[result.axes.back()].known()) {
    const auto extent = static_cast<size_t>(to[result.axes.back()].value());
    if (result.repeat % extent != 0 || result.first % extent != 0) break;
    result.repeat /= extent;
    result.first /= extent;
    result.axes.pop_back();
  }
  return result.axes.empty() ? std::nullopt : std::optional(result);
}

bool reshape(RegionGrower& g, ValueId from, ValueId to, const Channels& channels) {
  const auto& a = g.graph().value(from).type.shape;
  const auto& b = g.graph().value(to).type.shape;
  const auto result = a && b ? reshaped(*a, *b, channels) : std::nullopt;
  return result && g.join(to, *result);
}
bool reshape_made(RegionGrower& g, NodeId id, ValueId output, const Channels& channels) {
  return reshape(g, output, g.graph().node(id).inputs[0], channels);
}
bool reshape_used(RegionGrower& g, Use use, const Channels& channels) {
  const Node& node = g.graph().node(use.node);
  return use.input == 0 && reshape(g, node.inputs[0], node.outputs[0], channels);
}

// The channels' axes in an operand that is broadcast to `rank` axes.
std::optional<Channels> aligned(const Channels& channels, size_t rank, size_t operand_rank) {
  Channels result = channels;
  for (size_t& axis : result.axes) {
    if (axis + operand_rank < rank) return std::nullopt;
    axis = axis + operand_rank - rank;
  }
  return result;
}

// Add and Sub scale all three values; a constant operand is scaled itself.
bool sum(RegionGrower& g, NodeId id, const Channels& channels) {
  const Node& node = g.graph().node(id);
  const size_t rank = rank_of(g.graph(), node.outputs[0]);
  for (size_t i = 0; i < 2; ++i) {
    const Tensor* constant = g.graph().constant(node.inputs[i]);
    const size_t own = constant != nullptr ? constant->rank() : rank_of(g.graph(), node.inputs[i]);
    const auto mine = aligned(channels, rank, own);
    if (!mine) return false;
    if (!(constant != nullptr ? g.absorb({id, i}, *mine, true) : g.join(node.inputs[i], *mine)))
      return false;
  }
  return g.join(node.outputs[0], channels);
}
bool sum_made(RegionGrower& g, NodeId id, ValueId, const Channels& channels) {
  return sum(g, id, channels);
}
bool sum_used(RegionGrower& g, Use use, const Channels& channels) {
  const Node& node = g.graph().node(use.node);
  const auto of_output = aligned(channels, rank_of(g.graph(), node.inputs[use.input]),
                                 rank_of(g.graph(), node.outputs[0]));
  return of_output && sum(g, use.node, *of_output);
}

// Whether a factor of a product may carry the product's scale: gates can't.
bool carries(const Graph& graph, ValueId id) {
  const NodeId producer = graph.value(id).producer;
  const RegionRule* rule =
      producer == kNoNode ? nullptr : find_region_rule(*graph.node(producer).op);
  return rule != nullptr && rule->made != nullptr;
}

// One factor carries the scale; a constant vector gives it.
bool product_made(RegionGrower& g, NodeId id, ValueId output, const Channels& channels) {
  const Node& node = g.graph().node(id);
  const size_t rank = rank_of(g.graph(), output);
  const bool divides = node.op->name == "Div";
  if (node.inputs[0] == node.inputs[1]) return false;
  for (size_t i = 0; i < 2; ++i) {
    const Tensor* constant = g.graph().constant(node.inputs[i]);
    if (constant == nullptr) continue;
    if (divides && (i == 0 || constant->count() > 1)) return false;
    if (constant->count() == 1) return g.join(node.inputs[1 - i], channels);
    const auto mine = aligned(channels, rank, constant->rank());
    return mine && g.absorb({id, i}, *mine, true);
  }
  for (size_t i = 0; i < (divides ? 1 : 2); ++i) {
    const auto mine = aligned(channels, rank, rank_of(g.graph(), node.inputs[i]));
    if (mine && carries(g.graph(), node.inputs[i]) && !g.holds(node.inputs[1 - i]))
      return g.join(node.inputs[i], *mine);
  }
  return false;
}
bool product_used(RegionGrower& g, Use use, const Channels& channels) {
  const Node& node = g.graph().node(use.node);
  const ValueId other = node.inputs[1 - use.input];
  if (other == node.inputs[use.input] || g.holds(other)) return false;
  const bool divides = node.op->name == "Div";
  if (divides && use.input == 1) return false;
  const auto mine = aligned(channels, rank_of(g.graph(), node.inputs[use.input]),
                            rank_of(g.graph(), node.outputs[0]));
  if (!mine) return false;
  const Tensor* constant = g.graph().constant(other);
  if (constant == nullptr || constant->count() == 1) return g.join(node.outputs[0], *mine);
  const auto taken = aligned(*mine, rank_of(g.graph(), node.outputs[0]), constant->rank());
  return !divides && taken && g.absorb({use.node, 1 - use.input}, inverse(*taken), false);
}

bool split_made(RegionGrower& g, NodeId id, ValueId output, const Channels& channels) {
  const Node& node = g.graph().node(id);
  const auto axis = normalize_axis(passes::int_attr(node, "axis", 0), rank_of(g.graph(), output));
  if (!axis || !only_axis(channels, *axis)) return false;
  Channels whole = channels;
  for (const ValueId part : node.outputs) {
    if (part == output) return g.join(node.inputs[0], whole);
    const auto& shape = g.graph().value(part).type.shape;
    if (!shape || !(*shape)[*axis].known()) return false;
    whole.first += static_cast<size_t>((*shape)[*axis].value());
  }
  return false;
}
bool split_used(RegionGrower& g, Use use, const Channels& channels) {
  const Node& node = g.graph().node(use.node);
  const auto axis =
      normalize_axis(passes::int_attr(node, "axis", 0), rank_of(g.graph(), node.inputs[0]));
  if (!axis || use.input != 0 || !only_axis(channels, *axis)) return false;
  Channels part = channels;
  for (const ValueId output : node.outputs) {
    const auto& shape = g.graph().value(output).type.shape;
    if (!shape || !(*shape)[*axis].known()) return false;
    const auto extent = static_cast<size_t>((*shape)[*axis].value());
    if (part.first < extent) return g.join(output, part);  // join refuses what doesn't fit.
    part.first -= extent;
  }
  return false;
}

bool plain_product(const Graph& graph, const Node& node) {
  const auto& attrs = node.attrs.as<ops::MatMulAttrs>();
  return !attrs.transpose_a && !attrs.transpose_b && node.inputs.size() == 2 &&
         rank_of(graph, node.inputs[0]) >= 2;
}

bool matmul_made(RegionGrower& g, NodeId id, ValueId output, const Channels& channels) {
  const Node& node = g.graph().node(id);
  if (!plain_product(g.graph(), node)) return false;
  const size_t last = rank_of(g.graph(), output) - 1;
  if (const Tensor* weight = g.graph().constant(node.inputs[1]))
    return weight->rank() == 2 && only_axis(channels, last) &&
           g.absorb({id, 1}, with_axes(channels, {1}), true);
  // Rows come from the left operand, columns from the right one.
  const size_t side = has_axis(channels, last) ? 1 : 0;
  if (has_axis(channels, last) == has_axis(channels, last - 1)) return false;
  return rank_of(g.graph(), node.inputs[side]) == last + 1 && g.join(node.inputs[side], channels);
}

bool matmul_used(RegionGrower& g, Use use, const Channels& channels) {
  const Node& node = g.graph().node(use.node);
  if (!plain_product(g.graph(), node)) return false;
  const size_t last = rank_of(g.graph(), node.inputs[use.input]) - 1;
  g.read(use, node.inputs[use.input], channels);
  if (const Tensor* weight = g.graph().constant(node.inputs[1]))
    return weight->rank() == 2 && only_axis(channels, last) &&
           g.absorb({use.node, 1}, inverse(with_axes(channels, {0})), false);
  if (rank_of(g.graph(), node.inputs[1 - use.input]) != last + 1) return false;
  const size_t summed = use.input == 0 ? last : last - 1;
  const size_t kept = use.input == 0 ? last - 1 : last;
  if (has_axis(channels, summed) && has_axis(channels, kept)) return false;
  if (!has_axis(channels, summed)) return g.join(node.outputs[0], channels);
  Channels other = inverse(channels);
  std::replace(other.axes.begin(), other.axes.end(), summed, kept);
  return g.join(node.inputs[1 - use.input], other);
}

bool gemm_made(RegionGrower& g, NodeId id, ValueId, const Channels& channels) {
  const Node& node = g.graph().node(id);
  const auto& attrs = node.attrs.as<ops::GemmAttrs>();
  if (!only_axis(channels, 1)) return false;
  if (!g.absorb({id, 1}, with_axes(channels, {attrs.trans_b != 0 ? size_t{0} : size_t{1}}), true))
    return false;
  if (!node.has_input(2)) return true;
  const Tensor* bias = g.graph().constant(node.inputs[2]);
  return bias != nullptr && bias->rank() > 0 &&
         g.absorb({id, 2}, with_axes(channels, {bias->rank() - 1}), true);
}
bool gemm_used(RegionGrower& g, Use use, const Channels& channels) {
  const Node& node = g.graph().node(use.node);
  const auto& attrs = node.attrs.as<ops::GemmAttrs>();
  if (use.input != 0 || attrs.trans_a != 0 || !only_axis(channels, 1)) return false;
  g.read(use, node.inputs[0], channels);
  const size_t axis = attrs.trans_b != 0 ? 1 : 0;
  return g.absorb({use.node, 1}, inverse(with_axes(channels, {axis})), false);
}

bool conv_made(RegionGrower& g, NodeId id, ValueId, const Channels& channels) {
  if (!only_axis(channels, 1)) return false;
  const Node& node = g.graph().node(id);
  return g.absorb({id, 1}, with_axes(channels, {0}), true) &&
         (!node.has_input(2) || g.absorb({id, 2}, with_axes(channels, {0}), true));
}
bool conv_used(RegionGrower& g, Use use, const Channels& channels) {
  if (use.input != 0 || !only_axis(channels, 1)) return false;
  const Node& node = g.graph().node(use.node);
  g.read(use, node.inputs[0], channels);
  const auto group = static_cast<size_t>(node.attrs.as<ops::ConvAttrs>().group);
  return g.absorb({use.node, 1}, inverse(channels), false, group);
}

// Gain and bias of the norm, one of each a channel.
bool norm_made(RegionGrower& g, NodeId id, ValueId output, const Channels& channels) {
  const Node& node = g.graph().node(id);
  const size_t rank = rank_of(g.graph(), output);
  const bool batch = node.op->name == "BatchNormalization";
  const auto axis = normalize_axis(passes::int_attr(node, "axis", -1), rank);
  if (!batch && (!axis || *axis + 1 != rank)) return false;
  if (!only_axis(channels, batch ? 1 : rank - 1)) return false;
  g.mark_norm();
  const Channels own = with_axes(channels, {0});
  return g.absorb({id, 1}, own, true) && (!node.has_input(2) || g.absorb({id, 2}, own, true));
}

// The input weights [directions, gates * hidden, inputs] take the scale of X back.
bool recurrent_used(RegionGrower& g, Use use, const Channels& channels) {
  if (use.input != 0 || !only_axis(channels, 2)) return false;
  g.read(use, g.graph().node(use.node).inputs[0], channels);
  return g.absorb({use.node, 1}, inverse(channels), false);
}

bool dims_used(RegionGrower&, Use, const Channels&) { return true; }  // Reads no elements.

constexpr RegionRule kRules[] = {
    {"Add", sum_made, sum_used},
    {"AveragePool", pool_made, pool_used},
    {"BatchNormalization", norm_made, nullptr},
    {"Conv", conv_made, conv_used},
    {"Div", product_made, product_used},
    {"Flatten", reshape_made, reshape_used},
    {"GRU", nullptr, recurrent_used},
    {"Gemm", gemm_made, gemm_used},
    {"GlobalAveragePool", pool_made, pool_used},
    {"GlobalMaxPool", pool_made, pool_used},
    {"Identity", same_made, same_used},
    {"LSTM", nullptr, recurrent_used},
    {"LayerNormalization", norm_made, nullptr},
    {"LeakyRelu", same_made, same_used},
    {"MatMul", matmul_made, matmul_used},
    {"MaxPool", pool_made, pool_used},
    {"Mul", product_made, product_used},
    {"RMSNormalization", norm_made, nullptr},
    {"Relu", same_made, same_used},
    {"Reshape", reshape_made, reshape_used},
    {"Shape", nullptr, dims_used},
    {"Split", split_made, split_used},
    {"Squeeze", reshape_made, reshape_used},
    {"Sub", sum_made, sum_used},
    {"Transpose", transpose_made, transpose_used},
    {"Unsqueeze", reshape_made, reshape_used},
};

}  // namespace

const RegionRule* find_region_rule(const OpDef& op) {
  if (!op.domain.empty()) return nullptr;
  const auto* at = std::find_if(std::begin(kRules), std::end(kRules),
                                [&](const RegionRule& rule) { return rule.op == op.name; });
  return at == std::end(kRules) ? nullptr : at;
}

}  // namespace octet::quant
