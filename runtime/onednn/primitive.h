#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "engine/ops/epilogue.h"
#include "engine/ops/step.h"
#include "runtime/onednn/module.h"

namespace octet::runtime::onednn {

/// Whether oneDNN's module is there; loads it on the first call.
bool is_usable();

struct DropPrimitive {
  void operator()(void* primitive) const;
};
/// A convolution or product for one set of dims, with its weights in the format that oneDNN chose.
using Primitive = std::unique_ptr<void, DropPrimitive>;

Result<Primitive> make_convolution(const ConvSpec& spec, const Clamp& clamp,
                                   const Parameters& parameters);
Result<Primitive> make_product(const ProductSpec& spec, const Clamp& clamp,
                               const Parameters& parameters);
/// On the calling thread, on data of those dims.
Status execute(const Primitive& primitive, const float* source, float* destination);

/// The epilogue's activation as a clamp; nothing for one that oneDNN computes otherwise than we do,
/// and for residuals.
std::optional<Clamp> clamp_of(const Epilogue& epilogue);

/// Primitives by dims, most recent first.
class PrimitiveCache {
 public:
  using Make = std::function<Result<Primitive>()>;
  Result<std::shared_ptr<const Primitive>> get(const Dims& key, const Make& make) const;

 private:
  static constexpr size_t kCapacity = 8;
  mutable std::mutex mutex_;
  mutable std::list<std::pair<Dims, std::shared_ptr<const Primitive>>> entries_;
};

}  // namespace octet::runtime::onednn
