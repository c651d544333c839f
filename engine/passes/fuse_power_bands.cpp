// The power spectra of an STFT's frames, multiplied by a bank of filters that are zero but for a
// band each, become one octet.PowerBands: STFT, Reshape of bins and parts to one axis, Mul by
// itself, MatMul by a constant whose rows of a bin's two parts are equal.
#include <algorithm>

#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fuse_power_bands {
namespace {

// Whether both uses of a value are one node's, and it may vanish.
bool read_by_one(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  return value.uses.size() == 2 && value.uses[0].node == value.uses[1].node &&
         !graph.is_output(id) && !value.quant;
}

// Spectra [B, T, bins, 2] as [B, T, 2 bins].
bool joins_parts(const Graph& graph, const Node& reshape) {
  const auto& from = graph.value(reshape.inputs[0]).type.shape;
  const auto& to = graph.value(reshape.outputs[0]).type.shape;
  return from && to && from->size() == 4 && to->size() == 3 && (*from)[0] == (*to)[0] &&
         (*from)[1] == (*to)[1];
}

// The STFT whose squares `id` is; one of real float32 samples with constant frames of even length.
const Node* stft_of(const Graph& graph, ValueId id) {
  const Node* mul = inner(graph, id) ? producer(graph, id, "Mul") : nullptr;
  if (mul == nullptr || mul->inputs[0] != mul->inputs[1] || !read_by_one(graph, mul->inputs[0]))
    return nullptr;
  const Node* reshape = producer(graph, mul->inputs[0], "Reshape");
  if (reshape == nullptr || !joins_parts(graph, *reshape) || !inner(graph, reshape->inputs[0]))
    return nullptr;
  const Node* stft = producer(graph, reshape->inputs[0], "STFT");
  if (stft == nullptr || int_attr(*stft, "onesided", 1) == 0 || !stft->has_input(2)) return nullptr;
  const Type& signal = graph.value(stft->inputs[0]).type;
  if (signal.dtype != DType::f32 || !signal.shape || signal.shape->size() < 2 ||
      (signal.shape->size() == 3 && (*signal.shape)[2] != Dim(1)))
    return nullptr;
  const auto step = scalar(graph, stft->inputs[1]);
  const Tensor* window = graph.constant(stft->inputs[2]);
  const bool framed = step && *step >= 1 && window != nullptr && window->dtype() == DType::f32 &&
                      window->has_elements() && !graph.value(stft->inputs[2]).quant &&
                      window->count() >= 2 && window->count() % 2 == 0;
  if (!framed || !stft->has_input(3)) return framed ? stft : nullptr;
  const auto length = scalar(graph, stft->inputs[3]);
  return length && *length == static_cast<float>(window->count()) ? stft : nullptr;
}

// [2 bins, bands], a bin's two rows equal and most of it zeros, as [bins, bands].
std::optional<Tensor> filters_of(const Graph& graph, ValueId id) {
  const Tensor* matrix = graph.constant(id);
  if (matrix == nullptr || matrix->dtype() != DType::f32 || matrix->rank() != 2 ||
      !matrix->has_elements() || graph.value(id).quant || matrix->dims()[0] % 2 != 0)
    return std::nullopt;
  const auto values = matrix->as<float>();
  const auto bands = static_cast<size_t>(matrix->dims()[1]);
  const auto zeros = std::count(values.begin(), values.end(), 0.0F);
  if (2 * static_cast<size_t>(zeros) < values.size()) return std::nullopt;
  std::vector<float> filters;
  for (size_t row = 0; row < values.size(); row += 2 * bands) {
    const auto first = values.subspan(row, bands);
    if (!std::equal(first.begin(), first.end(),
                    values.begin() + static_cast<std::ptrdiff_t>(row + bands)))
      return std::nullopt;
    filters.insert(filters.end(), first.begin(), first.end());
  }
  return Tensor::of({matrix->dims()[0] / 2, matrix->dims()[1]}, filters);
}

bool fuse(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.inputs.size() != 2) return false;
  const Node* stft = stft_of(graph, node.inputs[0]);
  auto filters = stft == nullptr ? std::nullopt : filters_of(graph, node.inputs[1]);
  if (!filters) return false;
  std::vector<ValueId> inputs(stft->inputs.begin(), stft->inputs.begin() + 3);
  const ValueId output = node.outputs[0];
  const std::string name = node.name;
  inputs.push_back(graph.add_constant(
      graph.unique_name(graph.value(node.inputs[1]).name + "_bands"), std::move(*filters)));
  replace_producer(graph, output,
                   make_node(kOctetDomain, "PowerBands", std::move(inputs), {}, name));
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& /*options*/) {
  return change_each(graph, "MatMul", [&](NodeId id) { return fuse(graph, id); });
}

}  // namespace octet::passes::fuse_power_bands
