#include "runtime/onednn/primitive.h"

namespace octet::runtime::onednn {
namespace {

// Only where is_usable().
const ModuleTable& table() { return *module_table<ModuleTable>("onednn"); }

}  // namespace

bool is_usable() { return module_table<ModuleTable>("onednn") != nullptr; }

void DropPrimitive::operator()(void* primitive) const { table().drop(primitive); }

Result<Primitive> make_convolution(const ConvSpec& spec, const Clamp& clamp,
                                   const Parameters& parameters) {
  void* made = nullptr;
  ModuleFailure failure;
  if (!table().make_convolution(spec, clamp, parameters, &made, failure)) return to_error(failure);
  return Primitive(made);
}

Result<Primitive> make_product(const ProductSpec& spec, const Clamp& clamp,
                               const Parameters& parameters) {
  void* made = nullptr;
  ModuleFailure failure;
  if (!table().make_product(spec, clamp, parameters, &made, failure)) return to_error(failure);
  return Primitive(made);
}

Status execute(const Primitive& primitive, const float* source, float* destination) {
  ModuleFailure failure;
  if (!table().execute(primitive.get(), source, destination, failure)) return to_error(failure);
  return {};
}

std::optional<Clamp> clamp_of(const Epilogue& epilogue) {
  if (epilogue.residual != Epilogue::Residual::none) return std::nullopt;
  if (epilogue.activation == Activation::none) return Clamp{};
  if (epilogue.activation == Activation::relu) return Clamp{.clamps = true, .relu = true};
  if (epilogue.activation != Activation::clip) return std::nullopt;
  return Clamp{.clamps = true, .low = epilogue.alpha, .high = epilogue.beta};
}

Result<std::shared_ptr<const Primitive>> PrimitiveCache::get(const Dims& key,
                                                             const Make& make) const {
  const std::lock_guard lock(mutex_);
  for (auto at = entries_.begin(); at != entries_.end(); ++at) {
    if (at->first != key) continue;
    entries_.splice(entries_.begin(), entries_, at);
    return entries_.front().second;
  }
  OCTET_ASSIGN(Primitive primitive, make());
  auto made = std::make_shared<const Primitive>(std::move(primitive));
  entries_.emplace_front(key, made);
  if (entries_.size() > kCapacity) entries_.pop_back();
  return made;
}

}  // namespace octet::runtime::onednn
