#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "runtime/provider_module.h"

// What octet_xnnpack.so offers: library.h says what the functions do.

namespace octet::runtime::xnnpack {

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

/// y[rows, n] = x[rows, k] W + bias. W is [k][n], or [n][k] where `by_columns`; bias [n] or null.
struct ProductWeights {
  size_t n = 1, k = 1;
  const float* weights = nullptr;
  const float* bias = nullptr;
  bool by_columns = false;
};

/// Padding counts neither in a maximum nor in an average. Averages know no dilation; a window has
/// two taps or more.
enum class Pool : uint8_t { max, average };
enum class Unary : uint8_t { clamp, sigmoid, hard_swish };
enum class Binary : uint8_t { add, subtract, multiply };

using Floats = std::span<const float>;

/// Dims of an operand that broadcasts, outermost first.
struct Operand {
  static constexpr size_t kMaxRank = 6;
  size_t rank = 0;
  std::array<size_t, kMaxRank> dims{};
  Floats data;
};

struct ModuleTable {
  static constexpr uint32_t kVersion = 1;
  ModuleHead head;
  bool (*is_usable)();
  void (*drop)(void* op);
  bool (*make_convolution)(const Window& window, const ConvChannels& channels, const float* weights,
                           const float* bias, Range range, void** op, ModuleFailure& failure);
  bool (*make_product)(const ProductWeights& weights, Range range, void** op,
                       ModuleFailure& failure);
  bool (*make_pool)(Pool function, const Window& window, size_t channels, void** op,
                    ModuleFailure& failure);
  bool (*make_softmax)(size_t channels, void** op, ModuleFailure& failure);
  bool (*make_unary)(Unary function, Range range, void** op, ModuleFailure& failure);
  bool (*make_binary)(Binary function, void** op, ModuleFailure& failure);
  bool (*run_convolution)(void* op, const ImageSize& in, Floats x, float* y,
                          ModuleFailure& failure);
  bool (*run_product)(void* op, size_t rows, Floats x, float* y, ModuleFailure& failure);
  bool (*run_pool)(Pool function, void* op, const ImageSize& in, Floats x, float* y,
                   ModuleFailure& failure);
  bool (*run_softmax)(void* op, size_t channels, Floats x, float* y, ModuleFailure& failure);
  bool (*run_unary)(Unary function, void* op, Floats x, float* y, ModuleFailure& failure);
  bool (*run_binary)(Binary function, void* op, const Operand& a, const Operand& b, float* y,
                     ModuleFailure& failure);
};

}  // namespace octet::runtime::xnnpack
