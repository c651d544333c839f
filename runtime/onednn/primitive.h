#pragma once

#include <dnnl.hpp>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/ops/epilogue.h"
#include "engine/ops/step.h"

namespace octet::runtime::onednn {

/// Dims of a convolution or product as oneDNN takes them.
using DnnlDims = dnnl::memory::dims;

/// oneDNN's one engine for this process.
const dnnl::engine& engine();

/// A primitive for one set of dims, with its weights already in the format that it chose.
struct Primitive {
  dnnl::primitive primitive;
  dnnl::memory::desc source;
  dnnl::memory::desc destination;
  dnnl::memory weights;
  dnnl::memory bias;  ///< Empty when there is none.
  size_t scratch_bytes = 0;
};

/// Makes a convolution (dnnl dims; strides, dilations less 1, pads) or an inner product of these
/// memory formats. The one place that differs between oneDNN 2.6 and 3.x.
struct ConvSpec {
  DnnlDims source, weights, destination;
  DnnlDims strides, dilations, pad_begin, pad_end;
  bool bias = false;
};
Primitive make_convolution(const ConvSpec& spec, const dnnl::primitive_attr& attr,
                           const std::vector<float>& weights, const std::vector<float>& bias);
struct ProductDims {
  int64_t m = 0, n = 0, k = 0;
};
Primitive make_product(ProductDims dims, const dnnl::primitive_attr& attr,
                       const std::vector<float>& weights, const std::vector<float>& bias);

/// Attributes with user scratchpad and the epilogue's activation as post-op; nothing for an
/// activation that oneDNN computes otherwise than we do.
std::optional<dnnl::primitive_attr> attributes(const Epilogue& epilogue);

/// Runs `body` with OpenMP limited to the calling thread, where primitives are made as well as
/// where they run: a second team of spinning threads would take the cores from our pool. The
/// caller's setting is restored. oneDNN's exceptions become errors.
Status on_one_thread(const std::function<void()>& body);

/// Primitives by dims, most recent first.
class PrimitiveCache {
 public:
  using Make = std::function<Primitive()>;
  Result<std::shared_ptr<const Primitive>> get(const Dims& key, const Make& make) const;

 private:
  static constexpr size_t kCapacity = 8;
  mutable std::mutex mutex_;
  mutable std::list<std::pair<Dims, std::shared_ptr<const Primitive>>> entries_;
};

/// Executes on the step's views.
Status execute(const Primitive& primitive, const float* source, float* destination);

}  // namespace octet::runtime::onednn
