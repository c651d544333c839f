#pragma once

#include <array>
#include <limits>
#include <memory>
#include <span>

#include "engine/ir/result.h"

struct xnn_operator;

// XNNPACK as the rest of the provider sees it: library.cpp alone includes its header, and
// releases.h says how its releases differ. Images are channels-last. Everything runs on the calling
// thread.

namespace octet::runtime::xnnpack {

/// Whether XNNPACK works on this CPU; sets it up on the first call.
bool is_usable();

struct DeleteOperator {
  void operator()(xnn_operator* handle) const;
};

/// An operator with its packed weights. It holds the shape and the data of its last run: one run at
/// a time.
struct Operator {
  std::unique_ptr<xnn_operator, DeleteOperator> handle;
  std::shared_ptr<std::byte> workspace;
  size_t workspace_bytes = 0;
};

/// Results are clamped to it; low < high.
struct Range {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

/// A kernel's way over an image: height, width. A single axis is the width, with a height of 1.
struct Window {
  std::array<uint32_t, 2> kernel{1, 1}, stride{1, 1}, dilation{1, 1}, pad_begin{}, pad_end{};
};

struct ImageSize {
  size_t batch = 1, height = 1, width = 1, channels = 1;
};

struct ConvChannels {
  uint32_t groups = 1;
  size_t group_in = 1, group_out = 1;
  size_t in() const { return groups * group_in; }
  size_t out() const { return groups * group_out; }
};

// make_*: weights are copied. Errors: ErrorCode::unsupported where XNNPACK refuses.

/// Weights [out][kernel height][kernel width][group_in]; bias [out] or null.
Result<Operator> make_convolution(const Window& window, const ConvChannels& channels,
                                  const float* weights, const float* bias, Range range);
/// y[rows, n] = x[rows, k] W + bias. W is [k][n], or [n][k] where `by_columns`; bias [n] or null.
struct ProductWeights {
  size_t n = 1, k = 1;
  const float* weights = nullptr;
  const float* bias = nullptr;
  bool by_columns = false;
};
Result<Operator> make_product(const ProductWeights& weights, Range range);
/// Padding counts neither in a maximum nor in an average. Averages know no dilation; a window has
/// two taps or more.
enum class Pool : uint8_t { max, average };
Result<Operator> make_pool(Pool function, const Window& window, size_t channels);
Result<Operator> make_softmax(size_t channels);
enum class Unary : uint8_t { clamp, sigmoid, hard_swish };
Result<Operator> make_unary(Unary function, Range range);
enum class Binary : uint8_t { add, subtract, multiply };
Result<Operator> make_binary(Binary function);

// run_*: a result may take an input's place in the element-wise functions and softmax. Inputs are
// copied first where XNNPACK, which reads a few bytes past their ends, could touch a page that
// isn't there.

using Floats = std::span<const float>;
Status run_convolution(Operator& op, const ImageSize& in, Floats x, float* y);
Status run_product(Operator& op, size_t rows, Floats x, float* y);
Status run_pool(Pool function, Operator& op, const ImageSize& in, Floats x, float* y);
/// Over rows of `channels`.
Status run_softmax(Operator& op, size_t channels, Floats x, float* y);
Status run_unary(Unary function, Operator& op, Floats x, float* y);

/// Dims of an operand that broadcasts, outermost first.
struct Operand {
  static constexpr size_t kMaxRank = 6;
  size_t rank = 0;
  std::array<size_t, kMaxRank> dims{};
  Floats data;
};
Status run_binary(Binary function, Operator& op, const Operand& a, const Operand& b, float* y);

}  // namespace octet::runtime::xnnpack
