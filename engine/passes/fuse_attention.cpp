// MatMul(Q, K), scale, bias, mask, Softmax and MatMul(., V) become one octet.Attention, and the
// Transposes that split and merge heads become the way in which its operands are read.
#include <cmath>
#include <cstdlib>

#include "engine/ops/common/fused_attention.h"
#include "engine/ops/matmul.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_attention {
namespace {

using Perm = std::vector<int64_t>;

// From a product's sums to the scores: ((sums * alpha) + bias) * beta + mask.
struct Scores {
  NodeId product = kNoNode;
  ops::FusedAttentionAttrs attrs;
  ValueId bias = kNoValue;
  ValueId mask = kNoValue;

  bool scale(float factor) {
    if (attrs.condition || (bias != kNoValue && mask != kNoValue)) return false;
    if (bias == kNoValue && mask == kNoValue) {
      attrs.alpha *= factor;
      return true;
    }
    if (bias == kNoValue) std::swap(bias, mask);
    attrs.beta *= factor;
    return true;
  }
  bool add(ValueId addend) {
    if (mask != kNoValue) {
      if (bias != kNoValue || attrs.condition) return false;
      bias = mask;
    }
    mask = addend;
    return true;
  }
  bool choose(ValueId condition, float fill) {
    if (!add(condition)) return false;
    attrs.condition = true;
    attrs.fill = fill;
    return true;
  }
};

size_t rank_of(const Graph& graph, ValueId id) {
  const auto& shape = graph.value(id).type.shape;
  return shape ? shape->size() : 0;
}

// Whether an addend of the scores leaves their last two extents, as far as these are known.
bool keeps_extents(const Graph& graph, ValueId addend, ValueId scores) {
  const size_t rank = rank_of(graph, addend);
  const size_t all = rank_of(graph, scores);
  if (rank == 0 || rank > all || graph.value(addend).quant) return false;
  for (size_t i = 1; i <= std::min<size_t>(rank, 2); ++i) {
    const Dim& own = (*graph.value(scores).type.shape)[all - i];
    const Dim& other = (*graph.value(addend).type.shape)[rank - i];
    if (own != other && other != Dim(1) && own.known()) return false;
  }
  return true;
}

// A product into which nothing has been fused yet.
bool plain(const Node& matmul) {
  const auto& attrs = matmul.attrs.as<ops::MatMulAttrs>();
  return matmul.inputs.size() == 2 && !attrs.transpose_a && !attrs.transpose_b &&
         attrs.alpha == 1.0F && attrs.epilogue == Epilogue{};
}

std::optional<Scores> scores_of(const Graph& graph, ValueId id);

std::optional<Scores> scaled_scores(const Graph& graph, const Node& node, bool divides) {
  const auto number = scalar(graph, node.inputs[1]);
  const auto parts =
      divides ? (number ? std::optional(std::pair(node.inputs[0], *number)) : std::nullopt)
              : with_scalar(graph, node);
  if (!parts || (divides && parts->second == 0.0F)) return std::nullopt;
  auto scores = scores_of(graph, parts->first);
  const float factor = divides ? 1.0F / parts->second : parts->second;
  return scores && scores->scale(factor) ? scores : std::nullopt;
}

std::optional<Scores> biased_scores(const Graph& graph, const Node& add) {
  for (size_t i = 0; i < 2; ++i) {
    auto scores = scores_of(graph, add.inputs[i]);
    const ValueId addend = add.inputs[1 - i];
    if (scores && keeps_extents(graph, addend, add.inputs[i]) && scores->add(addend)) return scores;
  }
  return std::nullopt;
}

std::optional<Scores> chosen_scores(const Graph& graph, const Node& where) {
  const auto fill = scalar(graph, where.inputs[1]);
  auto scores = fill ? scores_of(graph, where.inputs[2]) : std::nullopt;
  if (!scores) return std::nullopt;
  const bool fits = keeps_extents(graph, where.inputs[0], where.inputs[2]);
  return fits && scores->choose(where.inputs[0], *fill) ? scores : std::nullopt;
}

// The chain that ends in `id`, which nobody else reads.
std::optional<Scores> scores_of(const Graph& graph, ValueId id) {
  if (!inner(graph, id)) return std::nullopt;
  if (const NodeId product = producer_id(graph, id, "MatMul"); product != kNoNode) {
    Scores scores;
    scores.product = product;
    return plain(graph.node(product)) ? std::optional(scores) : std::nullopt;
  }
  if (const Node* mul = producer(graph, id, "Mul")) return scaled_scores(graph, *mul, false);
  if (const Node* div = producer(graph, id, "Div")) return scaled_scores(graph, *div, true);
  if (const Node* add = producer(graph, id, "Add")) return biased_scores(graph, *add);
  if (const Node* where = producer(graph, id, "Where")) return chosen_scores(graph, *where);
  return std::nullopt;
}

bool int8_activation(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  const auto storage = value.quant ? value.quant->storage : DType::undefined;
  return !value.constant && value.quant && value.quant->per_tensor() &&
         (storage == DType::u8 || storage == DType::s8);
}

class Fusion {
 public:
  Fusion(Graph& graph, NodeId softmax) : graph_(graph), softmax_(softmax) {}

  bool run() {
    const Node& softmax = graph_.node(softmax_);
    const ValueId weights = softmax.outputs[0];
    rank_ = rank_of(graph_, weights);
    if (rank_ < 2 || !last_axis(softmax) || !graph_.single_use(weights)) return false;
    const NodeId second = graph_.value(weights).uses[0].node;
    const Node& product = graph_.node(second);
    if (!product.op->domain.empty() || product.op->name != "MatMul" || !plain(product) ||
        product.inputs[0] != weights)
      return false;
    auto scores = scores_of(graph_, softmax.inputs[0]);
    if (!scores || graph_.value(product.outputs[0]).type.dtype != DType::f32) return false;
    const Node& first = graph_.node(scores->product);
    ValueId operands[] = {first.inputs[0], first.inputs[1], product.inputs[1]};
    if (!same_storage(operands, weights)) return false;
    auto attrs = scores->attrs;
    attrs.probabilities = graph_.value(weights).quant;
    const bool quantized = attrs.probabilities != nullptr;
    if (quantized && attrs.alpha <= 0.0F) return false;
    if (!quantized)
      for (ValueId* side : {&operands[0], &operands[1]}) *side = unscaled(*side, attrs.alpha);
    operands[0] = quantized ? unscaled_codes(operands[0], attrs.alpha) : operands[0];
    operands[0] = swapped_scale(operands[0]);
    operands[0] = unpermuted(operands[0], true, attrs.q_perm);
    operands[1] = unpermuted(operands[1], false, attrs.k_perm);
    operands[2] = unpermuted(operands[2], true, attrs.v_perm);
    const ValueId output = merged(product.outputs[0], attrs.out_perm);
    std::vector<ValueId> inputs(std::begin(operands), std::end(operands));
    inputs.push_back(scores->bias);
    inputs.push_back(scores->mask);
    Node node = make_node(kOctetDomain, "Attention", std::move(inputs), {}, softmax.name);
    node.attrs = Attrs::of(std::move(attrs));
    replace_producer(graph_, output, std::move(node));
    return true;
  }

 private:
  bool last_axis(const Node& softmax) const {
    const auto axis = normalize_axis(int_attr(softmax, "axis", -1), rank_);
    return axis && *axis + 1 == rank_;
  }

  // Codes everywhere, or nowhere: what is mixed stays apart.
  bool same_storage(std::span<const ValueId> operands, ValueId weights) const {
    const bool quantized = graph_.value(weights).quant != nullptr;
    if (quantized && !int8_activation(graph_, weights)) return false;
    for (const ValueId id : operands) {
      if (rank_of(graph_, id) != rank_ || graph_.value(id).constant) return false;
      if (quantized ? !int8_activation(graph_, id) : graph_.value(id).quant != nullptr)
        return false;
    }
    return true;
  }

  // A scalar factor of an unquantized operand goes into alpha.
  ValueId unscaled(ValueId id, float& alpha) const {
    if (!inner(graph_, id)) return id;
    if (const Node* div = producer(graph_, id, "Div")) {
      const auto number = scalar(graph_, div->inputs[1]);
      if (!number || *number == 0.0F) return id;
      alpha *= 1.0F / *number;
      return div->inputs[0];
    }
    const Node* mul = producer(graph_, id, "Mul");
    const auto parts = mul == nullptr ? std::nullopt : with_scalar(graph_, *mul);
    if (!parts) return id;
    alpha *= parts->second;
    return parts->first;
  }

  // Codes of x / 2^n are those of x in steps 2^n times as large: the factor goes into alpha.
  ValueId unscaled_codes(ValueId id, float& alpha) {
    const QuantPtr quant = graph_.value(id).quant;
    const Node* div = producer(graph_, id, "Div");
    if (div == nullptr || !graph_.single_use(id) || !inner(graph_, div->inputs[0])) return id;
    const auto number = scalar(graph_, div->inputs[1]);
    int exponent = 0;
    if (!number || std::frexp(*number, &exponent) != 0.5F || std::abs(exponent) > 32) return id;
    QuantType steps = *quant;
    steps.scale = Tensor::scalar(quant->tensor_scale().v * *number);
    alpha *= 1.0F / *number;
    const ValueId before = div->inputs[0];
    graph_.value(before).quant = std::make_shared<const QuantType>(std::move(steps));
    if (const Node* transpose = producer(graph_, before, "Transpose");
        transpose != nullptr && inner(graph_, transpose->inputs[0]))
      graph_.value(transpose->inputs[0]).quant = graph_.value(before).quant;
    return before;
  }

  // Div(Transpose(x), s) as Transpose(Div(x, s)), so that the Transpose comes last.
  ValueId swapped_scale(ValueId id) {
    const Value& value = graph_.value(id);
    const NodeId div = producer_id(graph_, id, "Div");
    if (div == kNoNode || !graph_.single_use(id) || !value.quant) return id;
    const Node& node = graph_.node(div);
    const NodeId transpose = producer_id(graph_, node.inputs[0], "Transpose");
    if (transpose == kNoNode || !scalar(graph_, node.inputs[1]) || !inner(graph_, node.inputs[0]))
      return id;
    const std::vector<ValueId> inputs = {graph_.node(transpose).inputs[0], node.inputs[1]};
    const ValueId early = graph_.add_op(*node.op, inputs, node.attrs,
                                        graph_.unique_name(value.name + "_split"), transpose);
    graph_.value(early).type = graph_.value(inputs[0]).type;
    graph_.value(early).quant = value.quant;
    graph_.node(graph_.value(early).producer).opset = node.opset;
    graph_.set_input(transpose, 0, early);
    graph_.value(node.inputs[0]).quant = value.quant;
    return node.inputs[0];
  }

  bool movable(const Node& transpose, bool keeps_last) const {
    const Perm perm = ints_attr(transpose, "perm");
    return perm.size() == rank_ &&
           (!keeps_last || perm.back() == static_cast<int64_t>(rank_) - 1) &&
           same_quant(graph_.value(transpose.inputs[0]).quant,
                      graph_.value(transpose.outputs[0]).quant);
  }

  ValueId unpermuted(ValueId id, bool keeps_last, Perm& perm) const {
    const Node* transpose = producer(graph_, id, "Transpose");
    if (transpose == nullptr || !movable(*transpose, keeps_last)) return id;
    perm = ints_attr(*transpose, "perm");
    return transpose->inputs[0];
  }

  // The output, behind the Transpose that merges heads.
  ValueId merged(ValueId id, Perm& perm) const {
    if (!graph_.single_use(id)) return id;
    const Node& next = graph_.node(graph_.value(id).uses[0].node);
    if (next.op->name != "Transpose" || !next.op->domain.empty() || !movable(next, true)) return id;
    perm = ints_attr(next, "perm");
    return next.outputs[0];
  }

  Graph& graph_;
  NodeId softmax_;
  size_t rank_ = 0;
};

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  return change_each(graph, "Softmax", [&](NodeId id) { return Fusion(graph, id).run(); });
}

}  // namespace octet::passes::fuse_attention
