// MatMulInteger and ConvInteger behind DynamicQuantizeLinear, as quantizers write them: the sums
// cast to float and multiplied by the product of both scales become one step (octet.ScaledMatMul,
// octet.ScaledConv). The codes stay a node of their own: several products share them.
#include "engine/ops/conv.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_scaled {
namespace {

bool is_one_float(const Graph& graph, ValueId id) {
  const Type& type = graph.value(id).type;
  return type.dtype == DType::f32 && type.shape && element_count(*type.shape) == Dim(1);
}

// Scales of B or W: one, or one for each column or output channel, along the axis that broadcasts
// over them.
bool scales_columns(const Graph& graph, ValueId id, const Node& product) {
  const Type& type = graph.value(id).type;
  if (type.dtype != DType::f32 || !type.shape) return false;
  const auto& out = graph.value(product.outputs[0]).type.shape;
  if (!out || type.shape->size() > out->size()) return false;
  if (element_count(*type.shape) == Dim(1)) return true;
  const size_t axis = product.op->name == "ConvInteger" ? 1 : out->size() - 1;
  const size_t missing = out->size() - type.shape->size();
  for (size_t a = 0; a < type.shape->size(); ++a)
    if ((*type.shape)[a] != (a + missing == axis ? (*out)[axis] : Dim(1))) return false;
  return product.op->name == "ConvInteger" || type.shape->size() == 1;
}

// The two scales of a factor, the activation's first.
std::optional<std::pair<ValueId, ValueId>> scales_of(const Graph& graph, ValueId factor,
                                                     const Node& product) {
  const Node* mul = producer(graph, factor, "Mul");
  if (mul == nullptr) return std::nullopt;
  for (size_t i = 0; i < 2; ++i)
    if (is_one_float(graph, mul->inputs[i]) && scales_columns(graph, mul->inputs[1 - i], product))
      return std::pair(mul->inputs[i], mul->inputs[1 - i]);
  return std::nullopt;
}

// The integer product whose sums `id` is, as floats.
const Node* product_of(const Graph& graph, ValueId id) {
  const Node* cast = inner(graph, id) ? producer(graph, id, "Cast") : nullptr;
  if (cast == nullptr || graph.value(id).type.dtype != DType::f32 || !inner(graph, cast->inputs[0]))
    return nullptr;
  const Node* product = producer(graph, cast->inputs[0], "MatMulInteger");
  return product != nullptr ? product : producer(graph, cast->inputs[0], "ConvInteger");
}

std::optional<Node> scaled(const Graph& graph, const Node& mul) {
  for (size_t i = 0; i < 2; ++i) {
    const Node* product = product_of(graph, mul.inputs[i]);
    const auto scales =
        product == nullptr ? std::nullopt : scales_of(graph, mul.inputs[1 - i], *product);
    if (!scales) continue;
    const bool conv = product->op->name == "ConvInteger";
    std::vector<ValueId> inputs = product->inputs;
    inputs.resize(4, kNoValue);
    inputs.push_back(scales->first);
    inputs.push_back(scales->second);
    Node node = make_node(kOctetDomain, conv ? "ScaledConv" : "ScaledMatMul", std::move(inputs), {},
                          product->name);
    node.attrs = product->attrs;
    return node;
  }
  return std::nullopt;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  return rewrite_each(graph, "Mul", scaled);
}

}  // namespace octet::passes::fuse_scaled
