#pragma once

#include <memory>

#include "runtime/xnnpack/module.h"

// XNNPACK as the rest of the provider sees it. Images are channels-last. Everything runs on the
// calling thread.

namespace octet::runtime::xnnpack {

/// Whether XNNPACK's module is there and works on this CPU; loads it on the first call.
bool is_usable();

struct DropOperator {
  void operator()(void* handle) const;
};

/// An operator with its packed weights. It holds the shape and the data of its last run: one run at
/// a time.
using Operator = std::unique_ptr<void, DropOperator>;

// make_*: weights are copied. Errors: ErrorCode::unsupported where XNNPACK refuses.

/// Weights [out][kernel height][kernel width][group_in]; bias [out] or null.
Result<Operator> make_convolution(const Window& window, const ConvChannels& channels,
                                  const float* weights, const float* bias, Range range);
Result<Operator> make_product(const ProductWeights& weights, Range range);
Result<Operator> make_pool(Pool function, const Window& window, size_t channels);
Result<Operator> make_softmax(size_t channels);
Result<Operator> make_unary(Unary function, Range range);
Result<Operator> make_binary(Binary function);

// run_*: a result may take an input's place in the element-wise functions and softmax. Inputs are
// copied first where XNNPACK, which reads a few bytes past their ends, could touch a page that
// isn't there.

Status run_convolution(Operator& op, const ImageSize& in, Floats x, float* y);
Status run_product(Operator& op, size_t rows, Floats x, float* y);
Status run_pool(Pool function, Operator& op, const ImageSize& in, Floats x, float* y);
/// Over rows of `channels`.
Status run_softmax(Operator& op, size_t channels, Floats x, float* y);
Status run_unary(Unary function, Operator& op, Floats x, float* y);

Status run_binary(Binary function, Operator& op, const Operand& a, const Operand& b, float* y);

}  // namespace octet::runtime::xnnpack
