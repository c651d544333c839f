// Bias, scalar factor, residual and activation behind Conv, Gemm and MatMul, and behind our
// products of codes, move into the operator's epilogue (engine/ops/epilogue.h).

#include <cmath>

#include "engine/ops/common/integer_conv.h"
#include "engine/ops/common/integer_product.h"
#include "engine/ops/conv.h"
#include "engine/ops/gemm.h"
#include "engine/ops/matmul.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_epilogue {
namespace {

bool is_scaled(const Node& node) {
  return node.op->domain == kOctetDomain &&
         (node.op->name == "ScaledConv" || node.op->name == "ScaledMatMul");
}

bool is_product(const Node& node) {
  const std::string_view name = node.op->name;
  return is_scaled(node) ||
         (node.op->domain.empty() && (name == "Conv" || name == "Gemm" || name == "MatMul"));
}

size_t bias_port(const Node& node) {
  if (!is_scaled(node)) return 2;
  return node.attrs.is<ops::ConvAttrs>() ? ops::kScaledConvPorts.bias
                                         : ops::kScaledMatMulPorts.bias;
}

Epilogue epilogue_of(const Node& node) {
  if (node.attrs.is<ops::ConvAttrs>()) return node.attrs.as<ops::ConvAttrs>().epilogue;
  if (node.attrs.is<ops::GemmAttrs>()) return node.attrs.as<ops::GemmAttrs>().epilogue;
  return node.attrs.as<ops::MatMulAttrs>().epilogue;
}

template <typename A>
void store(Node& node, const Epilogue& epilogue) {
  A attrs = node.attrs.as<A>();
  attrs.epilogue = epilogue;
  node.attrs = Attrs::of(std::move(attrs));
}

void set_epilogue(Node& node, const Epilogue& epilogue) {
  if (node.attrs.is<ops::ConvAttrs>()) return store<ops::ConvAttrs>(node, epilogue);
  if (node.attrs.is<ops::GemmAttrs>()) return store<ops::GemmAttrs>(node, epilogue);
  store<ops::MatMulAttrs>(node, epilogue);
}

// The node takes over the output of its only consumer, which goes.
void absorb(Graph& graph, NodeId id, NodeId consumer) {
  const ValueId output = graph.node(consumer).outputs[0];
  graph.remove_node(consumer);
  graph.set_output(id, 0, output);
}

std::optional<Epilogue> activation_of(const Graph& graph, const Node& node) {
  Epilogue e;
  const std::string_view name = node.op->name;
  if (node.op->domain == kOctetDomain) {
    if (name != "Silu") return std::nullopt;
    e.activation = Activation::silu;
    return e;
  }
  if (name == "Relu" || name == "Clip") return clamp_of(graph, node);
  if (name == "Sigmoid") e.activation = Activation::sigmoid;
  if (name == "Tanh") e.activation = Activation::tanh;
  if (name == "HardSwish") e.activation = Activation::hard_swish;
  if (name == "Gelu")
    e.activation = string_attr(node, "approximate", "none") == "tanh" ? Activation::gelu_tanh
                                                                      : Activation::gelu;
  if (name == "LeakyRelu") {
    e.activation = Activation::leaky_relu;
    e.alpha = float_attr(node, "alpha", 0.01F);
  }
  if (name == "HardSigmoid") {
    e.activation = Activation::hard_sigmoid;
    e.alpha = float_attr(node, "alpha", 0.2F);
    e.beta = float_attr(node, "beta", 0.5F);
  }
  if (e.activation == Activation::none) return std::nullopt;
  return e;
}

bool take_activation(Graph& graph, NodeId id, NodeId consumer) {
  Epilogue epilogue = epilogue_of(graph.node(id));
  if (epilogue.activation != Activation::none ||
      epilogue.residual == Epilogue::Residual::after_activation)
    return false;
  const auto activation = activation_of(graph, graph.node(consumer));
  if (!activation) return false;
  epilogue.activation = activation->activation;
  epilogue.alpha = activation->alpha;
  epilogue.beta = activation->beta;
  set_epilogue(graph.node(id), epilogue);
  absorb(graph, id, consumer);
  return true;
}

// The inputs up to `count`, absent where there are none.
void pad_inputs(Graph& graph, NodeId id, size_t count) {
  while (graph.node(id).inputs.size() < count) graph.append_input(id, kNoValue);
}

// Whether a constant's elements are those of the output's columns (a product's last axis), or
// channels (axis 1 of a convolution), and nothing but extents of 1 besides.
bool is_bias(const Node& node, const Value& row, const Shape& shape) {
  const bool codes = row.quant && !dtype_is_float(row.quant->storage);
  if (!row.constant || row.constant->count() == 1 || (is_scaled(node) && codes)) return false;
  const Dims& dims = row.constant->dims();
  if (dims.size() > shape.size()) return false;
  const bool conv = node.attrs.is<ops::ConvAttrs>();
  if (!conv && dims.size() != 1) return false;
  const size_t axis = conv ? 1 : shape.size() - 1;
  const size_t missing = shape.size() - dims.size();
  for (size_t a = 0; a < dims.size(); ++a)
    if (Dim(dims[a]) != (a + missing == axis ? shape[axis] : Dim(1))) return false;
  return true;
}

bool take_bias(Graph& graph, NodeId id, NodeId consumer) {
  const Node& node = graph.node(id);
  const Node& add = graph.node(consumer);
  const size_t port = bias_port(node);
  const bool takes = node.op->name == "MatMul" || is_scaled(node);
  if (!takes || add.op->name != "Add" || node.has_input(port)) return false;
  if (!(epilogue_of(node) == Epilogue{})) return false;
  const size_t side = add.inputs[0] == node.outputs[0] ? 1 : 0;
  const Value& row = graph.value(add.inputs[side]);
  const auto& shape = graph.value(node.outputs[0]).type.shape;
  if (!shape || shape->empty() || !is_bias(node, row, *shape)) return false;
  const ValueId bias = add.inputs[side];
  pad_inputs(graph, id, port + 1);
  graph.set_input(id, port, bias);
  absorb(graph, id, consumer);
  return true;
}

// The constant times a power of two, with which every rounding commutes; nothing for others.
std::optional<ValueId> scaled_constant(Graph& graph, ValueId id, float factor) {
  const Value& value = graph.value(id);
  int exponent = 0;
  if (!value.constant || std::frexp(factor, &exponent) != 0.5F) return std::nullopt;
  const auto times = [factor](const Tensor& tensor) {
    auto scaled = tensor.to_float();
    for (float& v : scaled) v *= factor;
    return Tensor::of(tensor.dims(), scaled);
  };
  const std::string name = graph.unique_name(value.name + "_scaled");
  if (value.type.dtype != DType::f32) return std::nullopt;
  if (dtype_is_float(value.constant->dtype()))
    return graph.add_constant(name, times(*value.constant));
  QuantType quant = *value.quant;
  quant.scale = times(quant.scale);
  return graph.add_constant(name, *value.constant, std::make_shared<const QuantType>(quant));
}

bool take_factor(Graph& graph, NodeId id, NodeId consumer) {
  const Node& node = graph.node(id);
  const Node& next = graph.node(consumer);
  const bool divides = next.op->name == "Div";
  if (node.op->name != "MatMul" || !(divides || next.op->name == "Mul")) return false;
  if (!(epilogue_of(node) == Epilogue{})) return false;
  const auto number = scalar(graph, next.inputs[1]);
  if (!number || next.inputs[0] != node.outputs[0] || (divides && *number == 0.0F)) return false;
  const auto& before = graph.value(node.outputs[0]).type.shape;
  const auto& after = graph.value(next.outputs[0]).type.shape;
  if (!before || !after || before->size() != after->size()) return false;
  const float factor = divides ? 1.0F / *number : *number;
  if (node.has_input(2)) {
    const auto bias = scaled_constant(graph, node.inputs[2], factor);
    if (!bias) return false;
    graph.set_input(id, 2, *bias);
  }
  auto attrs = node.attrs.as<ops::MatMulAttrs>();
  attrs.alpha *= factor;
  graph.node(id).attrs = Attrs::of(attrs);
  absorb(graph, id, consumer);
  return true;
}

// Another tensor of the output's very shape.
bool take_residual(Graph& graph, NodeId id, NodeId consumer) {
  Epilogue epilogue = epilogue_of(graph.node(id));
  const Node& add = graph.node(consumer);
  if (add.op->name != "Add" || epilogue.residual != Epilogue::Residual::none) return false;
  const ValueId output = graph.node(id).outputs[0];
  const ValueId other = add.inputs[add.inputs[0] == output ? 1 : 0];
  const Type& type = graph.value(output).type;
  const Type& other_type = graph.value(other).type;
  if (other == output || !type.shape || !other_type.shape || *type.shape != *other_type.shape ||
      graph.value(other).constant)
    return false;
  epilogue.residual = epilogue.activation == Activation::none
                          ? Epilogue::Residual::before_activation
                          : Epilogue::Residual::after_activation;
  set_epilogue(graph.node(id), epilogue);
  pad_inputs(graph, id, bias_port(graph.node(id)) + 1);
  graph.append_input(id, other);
  absorb(graph, id, consumer);
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    if (!graph.alive(id) || !is_product(graph.node(id))) continue;
    if (graph.value(graph.node(id).outputs[0]).type.dtype != DType::f32) continue;
    for (bool again = true; again;) {
      const ValueId output = graph.node(id).outputs[0];
      const NodeId consumer = options.keeps(output) ? kNoNode : only_consumer(graph, output);
      if (consumer == kNoNode || graph.node(consumer).outputs.size() != 1) break;
      again = take_bias(graph, id, consumer) || take_factor(graph, id, consumer) ||
              take_activation(graph, id, consumer) || take_residual(graph, id, consumer);
      changed = changed || again;
    }
  }
  // A residual may be made after the node that now reads it.
  if (changed && !graph.sort()) return invalid_model("epilogue fusion made a cycle");
  return changed;
}

}  // namespace octet::passes::fuse_epilogue
