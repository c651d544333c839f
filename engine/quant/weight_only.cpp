#include "engine/quant/weight_only.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "engine/ops/evaluate.h"
#include "engine/passes/fake_quant_grid.h"
#include "engine/quant/gptq.h"
#include "engine/quant/select.h"
#include "kernels/half.h"

namespace octet::quant {
namespace {

using Role = PortQuant::Role;

// Smaller constants aren't worth a node that widens them.
constexpr size_t kWorthwhile = 1024;
constexpr int kLowest = -8;
constexpr int kHighestNibble = 7;

// The elements of one block: `count` of them, `step` apart.
struct Block {
  const float* values;
  size_t step;
  size_t count;

  float largest() const {
    float most = 0.0F;
    for (size_t i = 0; i < count; ++i) most = std::max(most, std::fabs(values[i * step]));
    return most;
  }
  double error(float scale) const {
    double sum = 0.0;
    for (size_t i = 0; i < count; ++i) {
      const double off = static_cast<double>(code(i, scale)) * scale - values[i * step];
      sum += off * off;
    }
    return sum;
  }
  int code(size_t i, float scale) const {
    const int32_t nearest = octet::quantize<int8_t>(values[i * step], Scale{scale}, {});
    return std::clamp(nearest, kLowest, kHighestNibble);
  }
};

float best_scale(const Block& block) {
  constexpr int kSteps = 20;
  const float widest = block.largest() / static_cast<float>(kHighestNibble);
  if (!(widest >= std::numeric_limits<float>::min())) return 1.0F;
  float best = widest;
  double least = block.error(widest);
  for (int step = 1; step <= kSteps; ++step) {
    const float scale = widest * (1.0F - 0.5F * static_cast<float>(step) / kSteps);
    const double error = block.error(scale);
    if (error >= least) continue;
    least = error;
    best = scale;
  }
  return best;
}

// A tensor as [outer, extent, inner] around an axis.
struct AxisView {
  AxisView(const Dims& dims, int axis) : extent(static_cast<size_t>(dims[size_t(axis)])) {
    for (size_t i = 0; i < dims.size(); ++i) {
      if (i < static_cast<size_t>(axis)) outer *= static_cast<size_t>(dims[i]);
      if (i > static_cast<size_t>(axis)) inner *= static_cast<size_t>(dims[i]);
    }
  }
  size_t outer = 1;
  size_t extent = 0;
  size_t inner = 1;
};

bool all_finite(const Tensor& tensor) {
  const auto values = tensor.as<float>();
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

bool is_large_float(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  return value.constant && !value.quant && value.constant->dtype() == DType::f32 &&
         value.constant->count() >= kWorthwhile && !graph.is_output(id);
}

// The axis along which the products of an anchor's weight are summed; nothing where 4-bit blocks
// don't pay.
std::optional<int> summed_axis(const Node& node, const PortQuant& port, size_t rank) {
  if (!node.op->domain.empty()) return std::nullopt;
  if (node.op->name == "MatMul" || node.op->name == "Gemm")
    return port.axis == static_cast<int>(rank) - 1 ? static_cast<int>(rank) - 2
                                                   : static_cast<int>(rank) - 1;
  const bool rows = node.op->name == "Gather" || node.op->name == "LSTM" ||
                    node.op->name == "GRU" || node.op->name == "RNN";
  return rows ? std::optional<int>(static_cast<int>(rank) - 1) : std::nullopt;
}

// s4 codes with a scale for each block along `axis`.
QuantizedTensor int4_tensor(Tensor codes, const std::vector<float>& scales, int axis,
                            int64_t block) {
  Dims dims = codes.dims();
  int64_t& extent = dims[static_cast<size_t>(axis)];
  extent = (extent + block - 1) / block;
  auto quant = std::make_shared<QuantType>();
  quant->storage = DType::s4;
  quant->scale = Tensor::of(dims, scales);
  quant->axis = axis;
  quant->block = block;
  return {std::move(codes), std::move(quant)};
}

}  // namespace

Result<QuantizedTensor> quantize_int4(const Tensor& weights, int axis, int64_t block) {
  if (!all_finite(weights)) return invalid_model("a weight is not finite");
  const AxisView view(weights.dims(), axis);
  const auto size = static_cast<size_t>(block);
  const size_t blocks = (view.extent + size - 1) / size;
  const float* values = weights.as<float>().data();
  std::vector<float> scales(view.outer * blocks * view.inner);
  OCTET_ASSIGN(Tensor codes, Tensor::zeros(DType::s4, weights.dims()));
  for (size_t o = 0; o < view.outer; ++o)
    for (size_t b = 0; b < blocks; ++b)
      for (size_t i = 0; i < view.inner; ++i) {
        const size_t first = (o * view.extent + b * size) * view.inner + i;
        const Block part{values + first, view.inner, std::min(size, view.extent - b * size)};
        const float scale = best_scale(part);
        scales[(o * blocks + b) * view.inner + i] = scale;
        for (size_t k = 0; k < part.count; ++k) {
          const size_t at = first + k * view.inner;
          passes::put_code(codes, at, part.code(k, scale));
        }
      }
  return int4_tensor(std::move(codes), scales, axis, block);
}

Status store_halfs(Graph& graph, const QuantizeOptions& options, Report& report) {
  std::map<ValueId, ValueId> stored;
  for (const NodeId id : graph.order()) {
    if (excluded(graph.node(id), options)) continue;
    for (size_t i = 0; i < graph.node(id).inputs.size(); ++i) {
      const ValueId from = graph.node(id).inputs[i];
      if (from == kNoValue || !is_large_float(graph, from)) continue;
      if (stored.count(from) == 0) {
        const Tensor& wide = *graph.constant(from);
        OCTET_ASSIGN(const Tensor halfs, convert_float(wide, DType::f16));
        const auto back = halfs.to_float();
        const bool fits =
            std::all_of(back.begin(), back.end(), [](float v) { return std::isfinite(v); });
        const Node& node = graph.node(id);
        report.nodes.push_back({id, node.name, std::string(node.op->name), fits ? "fp16" : "float",
                                fits ? "'" + graph.value(from).name + "' is stored in binary16"
                                     : "'" + graph.value(from).name + "' passes binary16's range"});
        auto quant = std::make_shared<QuantType>();
        quant->storage = DType::f16;
        quant->scale = Tensor::scalar(1.0F);
        stored[from] = fits ? graph.add_constant(graph.unique_name(graph.value(from).name + "_f16"),
                                                 halfs, quant)
                            : from;
      }
      graph.set_input(id, i, stored[from]);
    }
  }
  return {};
}

namespace {

// The weights of a graph that become 4-bit codes, one after the other.
class Int4 {
 public:
  Int4(Graph& graph, const QuantizeOptions& options, const Calibration& calibration, Report& report)
      : graph_(graph), options_(options), calibration_(calibration), report_(report) {}

  Status run() {
    find();
    OCTET_RETURN_IF_ERROR(sample());
    std::map<std::pair<ValueId, int>, ValueId> stored;
    for (const Weight& weight : weights_) {
      const auto [at, first] = stored.try_emplace({weight.value, weight.axis}, kNoValue);
      if (first) {
        auto codes = quantized(weight);
        if (!codes) return std::move(codes).error().in(graph_.node(weight.node).label());
        at->second =
            graph_.add_constant(graph_.unique_name(graph_.value(weight.value).name + "_int4"),
                                codes->codes, codes->quant);
      }
      const Node& node = graph_.node(weight.node);
      report_.nodes.push_back({weight.node, node.name, std::string(node.op->name), "int4",
                               "'" + graph_.value(weight.value).name +
                                   "' is stored in 4-bit blocks" +
                                   (weight.layer ? ", rounded by GPTQ" : "")});
      graph_.set_input(weight.node, weight.input, at->second);
    }
    return {};
  }

 private:
  struct Weight {
    NodeId node;
    size_t input;
    ValueId value;
    int axis;
    std::optional<LinearLayer> layer;  // Where GPTQ rounds it.
  };

  bool by_gptq() const {
    const auto& names = options_.algorithms;
    return calibration_.run &&
           (!names || std::find(names->begin(), names->end(), "gptq") != names->end());
  }

  void find() {
    for (const NodeId id : graph_.order()) {
      const Node& node = graph_.node(id);
      const QuantSpec spec = spec_of(graph_, node);
      if (!spec.anchor || excluded(node, options_)) continue;
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const PortQuant port = port_of(spec.inputs, i);
        const ValueId from = node.inputs[i];
        if (port.role != Role::weight || from == kNoValue || !is_large_float(graph_, from))
          continue;
        const size_t rank = graph_.constant(from)->rank();
        const auto axis = summed_axis(node, port, rank);
        if (!axis || rank < 2) continue;
        Weight weight{id, i, from, *axis, std::nullopt};
        if (by_gptq() && i == 1 && graph_.value(from).uses.size() == 1)
          weight.layer = linear_layer(graph_, id);
        weights_.push_back(weight);
      }
    }
  }

  Status sample() {
    const bool any = std::any_of(weights_.begin(), weights_.end(),
                                 [](const Weight& w) { return w.layer.has_value(); });
    if (!any) return {};
    for (const Weight& weight : weights_)
      if (weight.layer) rows_.want(graph_, *weight.layer);
    OCTET_ASSIGN(report_.samples, rows_.collect(graph_, calibration_.run));
    return {};
  }

  Result<QuantizedTensor> quantized(Weight weight) {
    const Tensor& wide = *graph_.constant(weight.value);
    if (!weight.layer) return quantize_int4(wide, weight.axis, options_.block_size);
    const SecondMoments moments = rows_.moments(graph_, *weight.layer, calibration_.parallel);
    if (moments.rows == 0) return quantize_int4(wide, weight.axis, options_.block_size);
    ++report_.algorithms["gptq"];
    return round_by_gptq(wide, *weight.layer, moments, weight.axis);
  }

  Result<QuantizedTensor> round_by_gptq(const Tensor& wide, const LinearLayer& layer,
                                        const SecondMoments& moments, int axis) const {
    const size_t inputs = layer.inputs;
    const auto values = wide.as<float>();
    std::vector<float> ordered(values.size());
    const auto place = [&](size_t i) {
      return i / inputs * layer.output_stride + i % inputs * layer.input_stride;
    };
    for (size_t i = 0; i < ordered.size(); ++i) ordered[i] = values[place(i)];
    const BlockOptions block{.block = static_cast<size_t>(options_.block_size)};
    OCTET_ASSIGN(const BlockCodes rounded, gptq(ordered, layer.outputs, inputs, moments, block));
    OCTET_ASSIGN(Tensor codes, Tensor::zeros(DType::s4, wide.dims()));
    for (size_t i = 0; i < ordered.size(); ++i) passes::put_code(codes, place(i), rounded.codes[i]);
    // Scales lie as the weights do, a block in place of its inputs.
    const bool inputs_last = layer.input_stride == 1;
    std::vector<float> scales(rounded.scales.size());
    for (size_t o = 0; o < layer.outputs; ++o)
      for (size_t b = 0; b < rounded.blocks; ++b)
        scales[inputs_last ? o * rounded.blocks + b : b * layer.outputs + o] =
            rounded.scales[o * rounded.blocks + b];
    return int4_tensor(std::move(codes), scales, axis, options_.block_size);
  }

  Graph& graph_;
  const QuantizeOptions& options_;
  const Calibration& calibration_;
  Report& report_;
  std::vector<Weight> weights_;
  LayerInputs rows_;
};

}  // namespace

Status store_int4(Graph& graph, const QuantizeOptions& options, const Calibration& calibration,
                  Report& report) {
  OCTET_RETURN_IF_ERROR(Int4(graph, options, calibration, report).run());
  return store_halfs(graph, options, report);
}

}  // namespace octet::quant
