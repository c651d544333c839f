#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/provider_module.h"

// What octet_onednn.so offers: convolutions and products for one set of dims, weights in the format
// that oneDNN chose. Everything runs on the calling thread.

namespace octet::runtime::onednn {

/// Results are clamped to [low, high] where `clamps`.
struct Clamp {
  bool clamps = false;
  bool relu = false;  ///< To [0, inf), NaN kept as oneDNN's relu does.
  float low = 0;
  float high = 0;
};

/// Arrays of `rank` extents, as oneDNN orders them; window arrays of rank - 2. Weights have
/// weight_rank extents: one more where there are groups. Images are channels-last.
struct ConvSpec {
  size_t rank = 0;
  size_t weight_rank = 0;
  const int64_t* source = nullptr;
  const int64_t* destination = nullptr;
  const int64_t* weights = nullptr;
  const int64_t* strides = nullptr;
  const int64_t* dilations = nullptr;  ///< Less 1.
  const int64_t* pad_begin = nullptr;
  const int64_t* pad_end = nullptr;
};

/// y[m, n] = x[m, k] W[k, n] + bias[n].
struct ProductSpec {
  int64_t m = 0, n = 0, k = 0;
};

/// Weights and a bias (null: none) are copied.
struct Parameters {
  const float* weights = nullptr;
  const float* bias = nullptr;
};

struct ModuleTable {
  static constexpr uint32_t kVersion = 1;
  ModuleHead head;
  bool (*make_convolution)(const ConvSpec& spec, const Clamp& clamp, const Parameters& parameters,
                           void** primitive, ModuleFailure& failure);
  bool (*make_product)(const ProductSpec& spec, const Clamp& clamp, const Parameters& parameters,
                       void** primitive, ModuleFailure& failure);
  bool (*execute)(const void* primitive, const float* source, float* destination,
                  ModuleFailure& failure);
  void (*drop)(void* primitive);
};

}  // namespace octet::runtime::onednn
