#pragma once

#include "engine/quant/quantize.h"

namespace octet::quant {

/// Stores the float constants of at least 64 elements that quantization left (biases, gains,
/// weights of nodes that stay float) as binary16 behind a Cast: those with ids below `end`, of
/// nodes that the caller doesn't exclude, and of which no element moves by more than 2^-11 of the
/// largest.
Status store_rest_as_halfs(Graph& graph, const QuantizeOptions& options, ValueId end);

}  // namespace octet::quant
