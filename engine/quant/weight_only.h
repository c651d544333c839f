#pragma once

#include "engine/quant/quantize.h"
#include "engine/quant/weights.h"

namespace octet::quant {

/// Stores large float constants as binary16 (half the bytes; each within half a unit in the last
/// place, 2^-11 relative). A constant with an element that binary16 can't hold stays as it is, and
/// the report says so.
Status store_halfs(Graph& graph, const QuantizeOptions& options, Report& report);

/// Stores the weights of MatMul, Gemm, LSTM, GRU, RNN and embeddings as 4-bit codes with a scale
/// for each block of `options.block_size` along the summed axis, and the other large constants as
/// binary16. With samples, GPTQ (gptq.h) rounds the weights of linear layers that nobody else
/// reads, unless the options name algorithms without it.
Status store_int4(Graph& graph, const QuantizeOptions& options, const Calibration& calibration,
                  Report& report);

/// Symmetric s4 codes in blocks along `axis`: in each block the scale, of a grid below the one that
/// holds the largest element, at which the squared error is least.
Result<QuantizedTensor> quantize_int4(const Tensor& weights, int axis, int64_t block);

}  // namespace octet::quant
