#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/quant/algorithm.h"

namespace octet::quant {

/// The axis of the input of this quantized node along which its constant weight sums, where what
/// its outputs are off by on average can go out of a bias: Conv, Gemm, and MatMul with an Add
/// behind it; LSTM and GRU not.
std::optional<size_t> correctable_axis(const AlgorithmContext& context, NodeId id);

/// The sum over the weight's inputs of weight times the mean of the input's channel, an element an
/// output of the node; `weights` has the layout of the node's input 1, `means` an element a
/// channel. Empty where the channels don't fit the weight.
std::vector<double> mean_outputs(const AlgorithmContext& context, NodeId id,
                                 std::span<const float> weights, std::span<const double> means);

/// Takes `shift`, an element an output, out of the bias; Conv and Gemm get one where they have
/// none. Returns whether there is a bias now that holds it.
bool take_from_bias(Graph& graph, NodeId id, std::span<const double> shift);

}  // namespace octet::quant
