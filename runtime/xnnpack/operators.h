#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>

#include "engine/ops/step.h"
#include "runtime/xnnpack/library.h"

namespace octet::runtime::xnnpack {

/// A step's operators by what they were made for (paddings, channels: whatever XNNPACK wants to
/// know when it makes one). An operator runs for one caller at a time: a run that finds its
/// operator in use makes another, with weights of its own, which is kept for the next time.
class Operators {
 public:
  using Key = Dims;
  using Make = std::function<Result<Operator>(const Key&)>;
  explicit Operators(Make make) : make_(std::move(make)) {}

  /// Makes the operator for `key` ahead of the first run.
  Status prepare(const Key& key);
  /// Calls `body` with an operator for `key` that nobody else uses.
  Status with(const Key& key, FunctionRef<Status(Operator&)> body) const;

 private:
  static constexpr size_t kIdle = 8;
  Make make_;
  mutable std::mutex mutex_;
  mutable std::list<std::pair<Key, Operator>> idle_;  // Most recent first.
};

/// A step S(arguments...) whose operators are made as far as they can be ahead of the first run.
template <typename S, typename... Arguments>
Result<std::unique_ptr<Step>> prepared(Arguments&&... arguments) {
  auto step = std::make_unique<S>(std::forward<Arguments>(arguments)...);
  OCTET_RETURN_IF_ERROR(step->prepare());
  return std::unique_ptr<Step>(std::move(step));
}

inline Floats floats(const TensorView& view) {
  return {view.as<float>(), static_cast<size_t>(view.count())};
}

/// XNNPACK chooses the instruction set itself, whatever octet is held to.
inline StepInfo step_info(const char* kernel) { return {kernel, "xnnpack", Isa::scalar}; }

}  // namespace octet::runtime::xnnpack
