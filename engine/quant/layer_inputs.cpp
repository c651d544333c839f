#include "engine/quant/layer_inputs.h"

#include <algorithm>
#include <numeric>

#include "engine/ops/common/conv_geometry.h"
#include "engine/ops/gemm.h"
#include "engine/quant/product.h"

namespace octet::quant {
namespace {

// Distances between neighbours along each logical axis, in elements.
std::vector<int64_t> strides_of(const TensorView& view) {
  std::vector<size_t> order(view.rank());
  std::iota(order.begin(), order.end(), size_t{0});
  if (view.layout == Layout::channels_last && view.rank() > 2)
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  std::vector<int64_t> strides(view.rank(), 1);
  int64_t stride = 1;
  for (auto at = order.rbegin(); at != order.rend(); ++at) {
    strides[*at] = stride;
    stride *= view.dims[*at];
  }
  return strides;
}

// Counts through `extents`, last axis fastest.
void next_index(std::vector<int64_t>& index, std::span<const int64_t> extents) {
  for (size_t a = index.size(); a-- > 0;) {
    if (++index[a] < extents[a]) return;
    index[a] = 0;
  }
}

int64_t product(const std::vector<int64_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>());
}

// The window at `at` (batch, then spatial position), [channel, taps]; zeros in the padding.
void copy_window(const ops::ConvGeometry& g, const TensorView& view,
                 const std::vector<int64_t>& strides, const std::vector<int64_t>& at,
                 Bfloat16* out) {
  const float* x = view.as<float>() + at[0] * strides[0];
  const int64_t taps = g.taps();
  std::vector<int64_t> tap(g.kernel.size(), 0);
  for (int64_t t = 0; t < taps; ++t) {
    int64_t offset = 0;
    bool inside = true;
    for (size_t a = 0; a < tap.size(); ++a) {
      const int64_t i = at[a + 1] * g.stride[a] + tap[a] * g.dilation[a] - g.pad_begin[a];
      inside = inside && i >= 0 && i < g.in[a];
      offset += i * strides[a + 2];
    }
    for (int64_t c = 0; c < g.in_channels; ++c)
      out[c * taps + t] = to_bfloat16(inside ? x[c * strides[1] + offset] : 0.0F);
    next_index(tap, g.kernel);
  }
}

}  // namespace

std::optional<LinearLayer> linear_layer(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const Tensor* weight = node.inputs.size() > 1 ? graph.constant(node.inputs[1]) : nullptr;
  if (weight == nullptr || !node.op->domain.empty() || weight->rank() < 2) return std::nullopt;
  const Dims& dims = weight->dims();
  const auto rows = static_cast<size_t>(dims[0]);
  const size_t rest = rows == 0 ? 0 : weight->count() / rows;
  const std::string_view name = node.op->name;
  if (name == "Conv" && node.attrs.as<ops::ConvAttrs>().group == 1)
    return LinearLayer{id, rows, rest, rest, 1};
  if (name == "Gemm" && node.attrs.as<ops::GemmAttrs>().trans_a == 0)
    return node.attrs.as<ops::GemmAttrs>().trans_b != 0 ? LinearLayer{id, rows, rest, rest, 1}
                                                        : LinearLayer{id, rest, rows, 1, rest};
  if (name == "MatMul" && weight->rank() == 2) return LinearLayer{id, rest, rows, 1, rest};
  if ((name == "LSTM" || name == "GRU") && weight->rank() == 3) {
    const auto inputs = static_cast<size_t>(dims[2]);
    return LinearLayer{id, rows * static_cast<size_t>(dims[1]), inputs, inputs, 1};
  }
  return std::nullopt;
}

LayerInputs::Key LayerInputs::key_of(const Graph& graph, const LinearLayer& layer) {
  const Node& node = graph.node(layer.node);
  return {node.inputs[0], node.op->name == "Conv" ? layer.node : kNoNode};
}

void LayerInputs::want(const Graph& graph, const LinearLayer& layer) {
  if (layer.inputs > kMostInputs || layer.inputs == 0) return;
  const Key key = key_of(graph, layer);
  Rows& rows = table_[key];
  rows.value = key.first;
  rows.reader = key.second;
  rows.inputs = layer.inputs;
}

Bfloat16* LayerInputs::next(Rows& rows) {
  const uint64_t index = rows.seen++;
  if (index < rows.capacity) {
    rows.data.reserve(rows.capacity * rows.inputs);  // Growing would copy, and hold both.
    rows.data.resize(rows.data.size() + rows.inputs);
    return rows.data.data() + index * rows.inputs;
  }
  const uint64_t slot = random_() % (index + 1);
  return slot < rows.capacity ? rows.data.data() + slot * rows.inputs : nullptr;
}

Status LayerInputs::add(const Graph& graph, Rows& rows, const TensorView& view) {
  const auto strides = strides_of(view);
  std::vector<int64_t> extents(view.dims.begin(), view.dims.end() - 1);
  ops::ConvGeometry geometry;
  if (rows.reader != kNoNode) {
    const Node& node = graph.node(rows.reader);
    const auto& attrs = node.attrs.as<ops::ConvAttrs>();
    const Dims& weight = graph.constant(node.inputs[1])->dims();
    Shape x(view.dims.begin(), view.dims.end());
    OCTET_ASSIGN(const auto shape,
                 conv_output_shape(attrs, x, Shape(weight.begin(), weight.end())));
    if (!shape) return {};
    Dims out;
    for (const Dim& dim : *shape) out.push_back(dim.value());
    geometry = conv_geometry(attrs, view.dims, weight, out);
    extents = {view.dims[0]};
    extents.insert(extents.end(), geometry.out.begin(), geometry.out.end());
  } else if (view.dims.back() != static_cast<int64_t>(rows.inputs)) {
    return invalid_data("a sample's rows don't fit the weight");
  }
  std::vector<int64_t> at(extents.size(), 0);
  for (int64_t r = product(extents); r > 0; --r, next_index(at, extents)) {
    Bfloat16* row = next(rows);
    if (row == nullptr) continue;
    if (rows.reader != kNoNode) {
      copy_window(geometry, view, strides, at, row);
      continue;
    }
    const float* x = view.as<float>();
    for (size_t a = 0; a < at.size(); ++a) x += at[a] * strides[a];
    for (size_t i = 0; i < rows.inputs; ++i)
      row[i] = to_bfloat16(x[static_cast<int64_t>(i) * strides.back()]);
  }
  return {};
}

Result<size_t> LayerInputs::collect(const Graph& graph, const Calibrate& calibrate) {
  constexpr size_t kLeast = 256;
  constexpr size_t kMost = 2048;
  std::multimap<std::string, Rows*, std::less<>> by_name;
  size_t wanted = 0;
  for (auto& [key, rows] : table_) {
    rows.capacity = std::clamp(2 * rows.inputs, kLeast, kMost);
    wanted += rows.capacity * rows.inputs;
    by_name.emplace(graph.value(rows.value).name, &rows);
  }
  for (auto& [key, rows] : table_)
    if (wanted > kBudget)
      rows.capacity = std::max<size_t>(static_cast<size_t>(static_cast<double>(rows.capacity) *
                                                           kBudget / static_cast<double>(wanted)),
                                       1);
  const auto sink = [&](std::string_view name, const TensorView& view) -> Status {
    if (view.dtype != DType::f32 || view.rank() == 0) return {};
    const auto [first, last] = by_name.equal_range(name);
    for (auto at = first; at != last; ++at)
      if (auto status = add(graph, *at->second, view); !status)
        return std::move(status).error().in("calibration: value '" + std::string(name) + "'");
    return {};
  };
  return calibrate(graph, sink);
}

SecondMoments LayerInputs::moments(const Graph& graph, const LinearLayer& layer,
                                   Parallel* parallel) const {
  constexpr size_t kSlab = 256;  // Rows that are wide at the same time.
  SecondMoments moments{layer.inputs, 0, {}};
  const auto at = table_.find(key_of(graph, layer));
  if (at == table_.end() || at->second.seen == 0) return moments;
  const Rows& rows = at->second;
  const size_t k = layer.inputs;
  moments.rows = rows.data.size() / k;
  moments.matrix.resize(k * k);
  const auto stride = static_cast<ptrdiff_t>(k);
  std::vector<float> slab(std::min(kSlab, moments.rows) * k);
  for (size_t first = 0; first < moments.rows; first += kSlab) {
    const size_t count = std::min(kSlab, moments.rows - first);
    for (size_t i = 0; i < count * k; ++i) slab[i] = to_float(rows.data[first * k + i]);
    multiply({.m = k,
              .n = k,
              .k = count,
              .a = {slab.data(), 1, stride},
              .b = {slab.data(), stride, 1},
              .out = moments.matrix.data(),
              .out_row = k,
              .alpha = 1.0F / static_cast<float>(moments.rows),
              .addend = moments.matrix.data(),
              .parallel = parallel});
  }
  return moments;
}

}  // namespace octet::quant
