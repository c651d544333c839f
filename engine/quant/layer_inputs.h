#pragma once

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "engine/quant/quantize.h"
#include "kernels/half.h"

namespace octet::quant {

/// A node that multiplies rows of inputs by a constant weight: element (output o, input i) of the
/// weight (input 1) is at o * output_stride + i * input_stride.
struct LinearLayer {
  NodeId node = kNoNode;
  size_t outputs = 0;
  size_t inputs = 0;
  size_t output_stride = 0;
  size_t input_stride = 0;
};

/// Conv of one group (a row is a window), Gemm, MatMul, and the input weights of LSTM and GRU;
/// nothing for other nodes. Extents are those of the weight.
std::optional<LinearLayer> linear_layer(const Graph& graph, NodeId id);

/// E[x x^T] of a layer's inputs, [inputs, inputs], from sampled rows.
struct SecondMoments {
  size_t inputs = 0;
  size_t rows = 0;
  std::vector<float> matrix;
};

/// Rows of the inputs of linear layers, drawn evenly from all that calibration runs make (algorithm
/// R, J. S. Vitter, 1985), with a fixed seed. Memory is bounded, whatever the number of samples.
class LayerInputs {
 public:
  /// Layers with more inputs than this aren't sampled: their matrix alone would be too large.
  static constexpr size_t kMostInputs = 8192;
  /// Elements of all layers' rows together: 256 MB, since rows are kept as bfloat16. Its rounding
  /// (2^-9 relative) is below that of the codes, which integer layers see.
  static constexpr size_t kBudget = size_t{128} << 20;

  /// Asks for a layer; before collect(). Nodes that read the same rows share them.
  void want(const Graph& graph, const LinearLayer& layer);
  /// The number of samples.
  Result<size_t> collect(const Graph& graph, const Calibrate& calibrate);
  /// Empty (no rows) where calibration never ran the layer.
  SecondMoments moments(const Graph& graph, const LinearLayer& layer,
                        Parallel* parallel = nullptr) const;

 private:
  struct Rows {
    ValueId value = kNoValue;
    NodeId reader = kNoNode;  // The convolution whose windows are the rows; kNoNode: plain rows.
    size_t inputs = 0;
    size_t capacity = 0;
    uint64_t seen = 0;
    std::vector<Bfloat16> data;
  };
  using Key = std::pair<ValueId, NodeId>;
  static Key key_of(const Graph& graph, const LinearLayer& layer);
  Status add(const Graph& graph, Rows& rows, const TensorView& view);
  Bfloat16* next(Rows& rows);

  std::map<Key, Rows> table_;
  std::mt19937_64 random_{20};
};

}  // namespace octet::quant
