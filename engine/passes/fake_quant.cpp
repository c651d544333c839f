// Quantization that a training tool simulates in float operators becomes quantization: chains of
// Mul, Div, Add, Sub, Relu and Clip around a Round, as DoReFa (Zhou et al. 2016,
// https://arxiv.org/abs/1606.06160) and LSQ (Esser et al. 2020, https://arxiv.org/abs/1902.08153)
// leave them, become a Clip to the codes' range (where they are fewer than a byte has) and a
// QuantizeLinear→DequantizeLinear pair; constant weights that lie on a grid become codes and a
// DequantizeLinear. Scales and zero points are the graph's.
//
// Weights whose real zero lies between two codes (DoReFa's at 127.5) have an integer zero point z
// and w = s (q - z) + d for all weights of an output: x w = x [s (q - z)] + d Σ x, whose last term
// is a sum over each row of x, added to the product.
#include <algorithm>
#include <cmath>

#include "engine/passes/fake_quant_grid.h"
#include "engine/passes/match.h"
#include "engine/passes/pass.h"

namespace octet::passes::fake_quant {
namespace {

constexpr double kExact = 1e-4;  // How far products of a file's floats may be from what they mean.

// u = factor * x + offset, limited to [low, high] (of u).
struct Line {
  double factor = 1.0;
  double offset = 0.0;
  double low = -INFINITY;
  double high = INFINITY;

  // The same for a * u + b.
  void scale(double a, double b) {
    factor *= a;
    offset = offset * a + b;
    low = low * a + b;
    high = high * a + b;
    if (a < 0.0) std::swap(low, high);
  }
  void limit(double least, double most) {
    low = std::clamp(low, least, most);
    high = std::clamp(high, least, most);
  }
};

// A node that maps its input by a line: which input, and how.
struct Link {
  ValueId input = kNoValue;
  Line line;
};

std::optional<Link> link_of(const Graph& graph, const Node& node) {
  if (!node.op->domain.empty() || node.outputs.size() != 1 || !node.bodies.empty())
    return std::nullopt;
  const std::string_view name = node.op->name;
  Link link;
  if (name == "Clip") {
    const auto low = node.has_input(1) ? scalar(graph, node.inputs[1]) : std::nullopt;
    const auto high = node.has_input(2) ? scalar(graph, node.inputs[2]) : std::nullopt;
    if (!low || !high || *low > *high) return std::nullopt;
    link.input = node.inputs[0];
    link.line.limit(static_cast<double>(*low), static_cast<double>(*high));
    return link;
  }
  if (name == "Relu") {
    link.input = node.inputs[0];
    link.line.limit(0.0, INFINITY);
    return link;
  }
  if (name != "Mul" && name != "Div" && name != "Add" && name != "Sub") return std::nullopt;
  const auto pair = with_scalar(graph, node);
  if (!pair || !std::isfinite(pair->second)) return std::nullopt;
  const auto number = static_cast<double>(pair->second);
  const bool right = pair->first == node.inputs[0];
  link.input = pair->first;
  if (name == "Mul" && number != 0.0) {
    link.line.scale(number, 0.0);
  } else if (name == "Div" && right && number != 0.0) {
    link.line.scale(1.0 / number, 0.0);
  } else if (name == "Add") {
    link.line.scale(1.0, number);
  } else if (name == "Sub") {
    right ? link.line.scale(1.0, -number) : link.line.scale(-1.0, number);
  } else {
    return std::nullopt;
  }
  return link;
}

// Where a chain may begin or end: a value, and the line from it to Round's input, or from Round's
// output to it.
struct Point {
  ValueId value;
  Line line;
};

std::vector<Point> before(const Graph& graph, ValueId value) {
  std::vector<Point> points = {{value, {}}};
  std::vector<Line> lines;  // Nearest to Round first.
  while (graph.value(value).producer != kNoNode && graph.single_use(value)) {
    const auto link = link_of(graph, graph.node(graph.value(value).producer));
    if (!link) break;
    lines.push_back(link->line);
    value = link->input;
    Line whole;
    for (auto at = lines.rbegin(); at != lines.rend(); ++at) {
      whole.scale(at->factor, at->offset);
      whole.limit(at->low, at->high);
    }
    points.push_back({value, whole});
  }
  return points;
}

std::vector<Point> after(const Graph& graph, ValueId value) {
  std::vector<Point> points = {{value, {}}};
  while (graph.single_use(value)) {
    const Node& node = graph.node(graph.value(value).uses[0].node);
    const auto link = link_of(graph, node);
    if (!link || link->input != value) break;
    Line line = points.back().line;
    line.scale(link->line.factor, link->line.offset);
    line.limit(link->line.low, link->line.high);
    value = node.outputs[0];
    points.push_back({value, line});
  }
  return points;
}

// What a chain does: real = (code - zero) * scale, codes within [low, high].
struct Meaning {
  double scale;
  double zero;
  double low;
  double high;
};

// Nothing where the chain isn't rounding of its input, limited to at most 256 whole codes.
std::optional<Meaning> meaning(const Line& to, const Line& from) {
  const double scale = from.factor;
  const bool same = scale > 0.0 && std::fabs(to.factor * scale - 1.0) <= kExact &&
                    std::fabs(to.offset * scale + from.offset) <= kExact * scale;
  if (!same) return std::nullopt;
  Meaning result{scale, to.offset, to.low, to.high};
  result.low = std::max(result.low, (from.low - from.offset) / scale);
  result.high = std::min(result.high, (from.high - from.offset) / scale);
  if (!(result.high - result.low <= 255.5)) return std::nullopt;
  result.low = std::nearbyint(result.low);
  result.high = std::nearbyint(result.high);
  if (std::fabs(result.zero - std::nearbyint(result.zero)) > 256 * kExact) return std::nullopt;
  result.zero = std::nearbyint(result.zero);
  return result;
}

struct Codes {
  DType storage;
  int shift;  // Added to the chain's codes.
};

// The byte that holds all codes and the zero point.
std::optional<Codes> codes_of(const Meaning& m) {
  const double least = std::min(m.low, m.zero);
  const double most = std::max(m.high, m.zero);
  if (most - least > 255.0) return std::nullopt;
  if (least >= 0.0 && most <= 255.0) return Codes{DType::u8, 0};
  if (least >= -128.0 && most <= 127.0) return Codes{DType::s8, 0};
  return Codes{DType::u8, static_cast<int>(-least)};
}

ValueId constant(Graph& graph, const std::string& base, Tensor tensor) {
  return graph.add_constant(graph.unique_name(base), std::move(tensor));
}

ValueId append(Graph& graph, NodeId before, std::string_view op, std::vector<ValueId> inputs,
               const AttrMap& attrs, const std::string& base) {
  Node node = make_node("", op, std::move(inputs), attrs, graph.unique_name(base));
  const ValueId output = graph.add_value(node.name);
  node.outputs = {output};
  graph.add_node(std::move(node), before);
  return output;
}

Tensor zero_tensor(DType storage, int zero) {
  return storage == DType::u8 ? Tensor::scalar(static_cast<uint8_t>(zero))
                              : Tensor::scalar(static_cast<int8_t>(zero));
}

void replace_chain(Graph& graph, NodeId round, ValueId first, ValueId last, const Meaning& m,
                   Codes codes) {
  const std::string name = graph.value(last).name;
  const auto scale = static_cast<float>(m.scale);
  const bool whole =
      m.low + codes.shift == (codes.storage == DType::u8 ? 0 : -128) && m.high - m.low == 255.0;
  ValueId source = first;
  if (!whole) {
    const auto low = static_cast<float>((m.low - m.zero) * m.scale);
    const auto high = static_cast<float>((m.high - m.zero) * m.scale);
    source = append(graph, round, "Clip",
                    {first, constant(graph, name + "_low", Tensor::scalar(low)),
                     constant(graph, name + "_high", Tensor::scalar(high))},
                    {}, name + "_clipped");
  }
  const ValueId step = constant(graph, name + "_scale", Tensor::scalar(scale));
  const int zero = static_cast<int>(m.zero) + codes.shift;
  const ValueId point = constant(graph, name + "_zero_point", zero_tensor(codes.storage, zero));
  const ValueId stored =
      append(graph, round, "QuantizeLinear", {source, step, point}, {}, name + "_codes");
  const ValueId real =
      append(graph, round, "DequantizeLinear", {stored, step, point}, {}, name + "_real");
  graph.replace_uses(last, real);
}

// Whether somebody wants to see a value that goes with the chain: those between its ends.
bool is_kept(const PassOptions& options, const std::vector<Point>& firsts, size_t first,
             const std::vector<Point>& lasts, size_t last) {
  const auto kept = [&](const Point& point) { return options.keeps(point.value); };
  return std::any_of(firsts.begin(), firsts.begin() + static_cast<ptrdiff_t>(first), kept) ||
         std::any_of(lasts.begin(), lasts.begin() + static_cast<ptrdiff_t>(last) + 1, kept);
}

bool take_chain(Graph& graph, NodeId round, const PassOptions& options) {
  const Node& node = graph.node(round);
  if (graph.constant(node.inputs[0]) != nullptr || graph.is_output(node.outputs[0])) return false;
  if (graph.value(node.inputs[0]).type.dtype != DType::f32) return false;
  const auto firsts = before(graph, node.inputs[0]);
  const auto lasts = after(graph, node.outputs[0]);
  for (size_t last = lasts.size(); last-- > 0;)
    for (size_t first = firsts.size(); first-- > 0;) {
      const auto found = meaning(firsts[first].line, lasts[last].line);
      if (!found || graph.is_output(lasts[last].value)) continue;
      const auto codes = codes_of(*found);
      if (!codes || is_kept(options, firsts, first, lasts, last)) continue;
      replace_chain(graph, round, firsts[first].value, lasts[last].value, *found, *codes);
      return true;
    }
  return false;
}

// The axis of a product's constant weight along which its outputs lie; nothing where the product
// isn't one whose weights may become codes.
std::optional<size_t> output_axis(const Graph& graph, const Node& node) {
  if (!node.op->domain.empty() || node.inputs.size() < 2) return std::nullopt;
  const Tensor* weight = graph.constant(node.inputs[1]);
  if (weight == nullptr || weight->dtype() != DType::f32 || graph.value(node.inputs[1]).quant ||
      producer(graph, node.inputs[0], "DequantizeLinear") == nullptr)
    return std::nullopt;
  if (node.op->name == "Conv" && weight->rank() >= 3) return size_t{0};
  if (weight->rank() != 2) return std::nullopt;
  if (node.op->name == "MatMul") return size_t{1};
  if (node.op->name != "Gemm" || int_attr(node, "transA", 0) != 0 ||
      float_attr(node, "alpha", 1.0F) != 1.0F)
    return std::nullopt;
  return int_attr(node, "transB", 0) != 0 ? size_t{0} : size_t{1};
}

// Adds `offsets` (one, or one an output) times the sum of each row of the node's input.
void add_row_sums(Graph& graph, NodeId id, const std::vector<float>& offsets) {
  Node product = graph.node(id);
  const ValueId output = product.outputs[0];
  const std::string name = graph.value(output).name;
  const ValueId axes =
      constant(graph, name + "_axis", Tensor::of(Dims{1}, std::vector<int64_t>{-1}));
  const ValueId sums =
      append(graph, id, "ReduceSum", {product.inputs[0], axes}, {}, name + "_row_sums");
  const ValueId factors = constant(graph, name + "_half_steps",
                                   Tensor::of(Dims{static_cast<int64_t>(offsets.size())}, offsets));
  const ValueId correction = append(graph, id, "Mul", {sums, factors}, {}, name + "_between_codes");
  const ValueId whole = graph.add_value(graph.unique_name(name + "_of_codes"));
  product.outputs = {whole};
  const NodeId sum = replace_producer(
      graph, output,
      make_node("", "Add", {whole, correction}, {}, graph.unique_name(name + "_sum")));
  graph.add_node(std::move(product), sum);
}

bool take_weight(Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const auto axis = output_axis(graph, node);
  if (!axis) return false;
  const ValueId weight = node.inputs[1];
  const auto grid = find_grid(*graph.constant(weight), *axis);
  if (!grid || (!grid->offsets.empty() && node.op->name == "Conv")) return false;
  const std::string name = graph.value(weight).name;
  std::vector<ValueId> inputs = {constant(graph, name + "_codes", grid->codes),
                                 constant(graph, name + "_scale", grid->scale)};
  if (grid->zero_point.dtype() != DType::undefined)
    inputs.push_back(constant(graph, name + "_zero_point", grid->zero_point));
  const AttrMap attrs = {{"axis", static_cast<int64_t>(*axis)}};
  const ValueId real =
      append(graph, id, "DequantizeLinear", std::move(inputs), attrs, name + "_real");
  graph.set_input(id, 1, real);
  if (!grid->offsets.empty()) add_row_sums(graph, id, grid->offsets);
  return true;
}

}  // namespace

Result<bool> run(Graph& graph, const PassOptions& options) {
  bool changed = false;
  for (const NodeId id : graph.order()) {
    if (!graph.alive(id)) continue;
    const Node& node = graph.node(id);
    if (node.op->domain.empty() && node.op->name == "Round")
      changed = take_chain(graph, id, options) || changed;
  }
  for (const NodeId id : graph.order())
    if (graph.alive(id)) changed = take_weight(graph, id) || changed;
  return changed;
}

}  // namespace octet::passes::fake_quant
