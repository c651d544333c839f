// A product whose columns are only read in slices becomes a product for each slice: nothing is
// copied, and each rounds to codes of its own.
#include <algorithm>
#include <cstring>

#include "engine/ir/mapped_file.h"
#include "engine/ir/memory.h"
#include "engine/ops/matmul.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::split_products {
namespace {

// What becomes columns [begin, begin + count) of the product.
struct Part {
  ValueId output;
  int64_t begin, count;
};

std::optional<int64_t> number(const Graph& graph, const Node& node, size_t port) {
  const Tensor* tensor = node.has_input(port) ? graph.constant(node.inputs[port]) : nullptr;
  if (tensor == nullptr || tensor->count() != 1) return std::nullopt;
  const auto values = tensor->to_int64();
  return values.empty() ? std::nullopt : std::optional(values[0]);
}

std::optional<int64_t> last_extent(const Graph& graph, ValueId id) {
  const auto& shape = graph.value(id).type.shape;
  if (!shape || shape->empty() || !shape->back().known()) return std::nullopt;
  return shape->back().value();
}

// A Slice of the last axis alone, in steps of 1.
std::optional<Part> part_of(const Graph& graph, const Node& node) {
  if (node.op->name != "Slice" || !node.op->domain.empty() || graph.is_output(node.outputs[0]))
    return std::nullopt;
  const Value& whole = graph.value(node.inputs[0]);
  const auto columns = last_extent(graph, node.inputs[0]);
  const auto count = last_extent(graph, node.outputs[0]);
  const auto start = number(graph, node, 1), axis = number(graph, node, 3);
  if (!columns || !count || !start || !axis || *count < 1) return std::nullopt;
  if (node.has_input(4) && number(graph, node, 4) != 1) return std::nullopt;
  if (normalize_axis(*axis, whole.type.shape->size()) != whole.type.shape->size() - 1)
    return std::nullopt;
  const int64_t begin = *start < 0 ? *start + *columns : *start;
  if (begin < 0 || begin + *count > *columns) return std::nullopt;
  return Part{node.outputs[0], begin, *count};
}

// The slices of a product, when nobody reads anything else of it and none overlap.
std::vector<Part> parts_of(const Graph& graph, ValueId product) {
  const Value& value = graph.value(product);
  if (value.quant || graph.is_output(product) || value.uses.size() < 2) return {};
  std::vector<Part> parts;
  for (const Use& use : value.uses) {
    const auto part = use.input == 0 ? part_of(graph, graph.node(use.node)) : std::nullopt;
    if (!part) return {};
    parts.push_back(*part);
  }
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.begin < b.begin; });
  for (size_t i = 1; i < parts.size(); ++i)
    if (parts[i].begin < parts[i - 1].begin + parts[i - 1].count) return {};
  return parts;
}

// [rows, columns] or [columns]: the part's columns.
Result<Tensor> columns_of(const Tensor& tensor, const Part& part) {
  Dims dims = tensor.dims();
  const auto columns = static_cast<size_t>(dims.back());
  dims.back() = part.count;
  const size_t element = dtype_bytes(tensor.dtype(), 1);
  const size_t from = columns * element, to = static_cast<size_t>(part.count) * element;
  const size_t rows = tensor.count() / columns;
  OCTET_ASSIGN(const auto memory, allocate_lasting(rows * to));
  for (size_t row = 0; row < rows; ++row)
    std::memcpy(memory.get() + row * to,
                tensor.bytes().data() + row * from + static_cast<size_t>(part.begin) * element, to);
  const std::span<const std::byte> bytes(memory.get(), rows * to);
  return Tensor(tensor.dtype(), std::move(dims), bytes, memory);
}

// Constants whose columns can be taken: whole bytes, one scale or one a column.
bool has_columns(const Value& value, size_t max_rank, int64_t columns) {
  const Tensor& tensor = *value.constant;
  if (tensor.rank() < 1 || tensor.rank() > max_rank || tensor.dims().back() != columns ||
      !tensor.has_elements() ||
      dtype_bytes(tensor.dtype(), 2) != 2 * dtype_bytes(tensor.dtype(), 1))
    return false;
  if (!value.quant || value.quant->per_tensor()) return true;
  const auto axis = normalize_axis(value.quant->axis, tensor.rank());
  return value.quant->block == 0 && axis == tensor.rank() - 1 && value.quant->scale.rank() == 1;
}

Result<ValueId> take_columns(Graph& graph, ValueId id, const Part& part) {
  const Value& value = graph.value(id);
  QuantPtr quant = value.quant;
  if (quant && !quant->per_tensor()) {
    QuantType own = *quant;
    OCTET_ASSIGN(own.scale, columns_of(own.scale, part));
    if (own.zero_point.dtype() != DType::undefined && own.zero_point.count() > 1) {
      OCTET_ASSIGN(own.zero_point, columns_of(own.zero_point, part));
    }
    quant = std::make_shared<const QuantType>(std::move(own));
  }
  const std::string name = graph.unique_name(value.name + "_columns_" + std::to_string(part.begin));
  OCTET_ASSIGN(Tensor columns, columns_of(*value.constant, part));
  return graph.add_constant(name, std::move(columns), std::move(quant));
}

bool can_split(const Graph& graph, const Node& node) {
  if (node.op->name != "MatMul" || !node.op->domain.empty()) return false;
  const auto& attrs = node.attrs.as<ops::MatMulAttrs>();
  const auto columns = last_extent(graph, node.outputs[0]);
  if (attrs.transpose_b || attrs.epilogue.residual != Epilogue::Residual::none || !columns)
    return false;
  const Value& b = graph.value(node.inputs[1]);
  if (!b.constant || b.constant->rank() != 2 || !has_columns(b, 2, *columns)) return false;
  if (!node.has_input(2)) return true;
  const Value& bias = graph.value(node.inputs[2]);
  return bias.constant && has_columns(bias, 1, *columns);
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    if (!graph.alive(id) || !can_split(graph, graph.node(id))) continue;
    const Node whole = graph.node(id);
    if (options.keeps(whole.outputs[0])) continue;
    const std::vector<Part> parts = parts_of(graph, whole.outputs[0]);
    if (parts.empty()) continue;
    const Tensor weights = *graph.constant(whole.inputs[1]);
    for (const Part& part : parts) {
      Node node = whole;
      OCTET_ASSIGN(node.inputs[1], take_columns(graph, whole.inputs[1], part));
      if (node.has_input(2)) {
        OCTET_ASSIGN(node.inputs[2], take_columns(graph, whole.inputs[2], part));
      }
      node.name = graph.value(part.output).name;
      replace_producer(graph, part.output, std::move(node));
    }
    changed = true;
    MappedFile::release(weights.bytes());
  }
  return changed;
}

}  // namespace octet::passes::split_products
