#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "engine/ir/memory.h"
#include "kernels/parallel.h"

namespace octet {

/// While it lives, this thread's work shall end once the deadline has passed, `cancelled` says so,
/// or an enclosing scope does. Long work asks; nothing is interrupted by force.
class StopScope {
 public:
  /// `cancelled` may be empty, and must outlive the scope. It is asked on several threads.
  StopScope(std::optional<std::chrono::steady_clock::time_point> deadline,
            const std::function<bool()>& cancelled);
  ~StopScope();
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
  /// Whether it can ever ask for an end.
  bool limited() const;
  bool requested() const;
  /// This thread's innermost scope, or null.
  static const StopScope* current();

 private:
  std::optional<std::chrono::steady_clock::time_point> deadline_;
  const std::function<bool()>& cancelled_;
  const StopScope* outer_;
};

/// Whether this thread's scope asks for an end.
bool stop_requested();
/// ErrorCode::deadline once it does.
Status check_stop();

/// What functions that can't return an error throw when a scope asks for an end. Caught where
/// failed allocations are.
class StopError : public AllocationError {
 public:
  StopError();
};

/// Long loops on one thread count their work here, and ask every few microseconds of it.
class StopPoll {
 public:
  /// `work`: what one more round does, in operations on an element. Throws StopError when this
  /// thread's scope asks for an end.
  void operator()(size_t work = 1) {
    done_ += work;
    if (done_ < kWork) return;
    done_ = 0;
    if (stop_requested()) throw StopError();
  }

 private:
  static constexpr size_t kWork = 4096;
  size_t done_ = 0;
};

/// Spreads work as `inner` does, in pieces of some milliseconds while a scope may ask for an end:
/// then the rest isn't begun, and for_ranges throws StopError. The scope is also that of the
/// threads which run pieces, while they do.
class StoppableParallel final : public Parallel {
 public:
  /// `scope`: null, or outlives the calls.
  StoppableParallel(Parallel& inner, const StopScope* const& scope)
      : inner_(inner), scope_(scope) {}
  size_t width() const override { return inner_.width(); }
  void for_ranges(size_t count, size_t grain, FunctionRef<void(size_t, size_t)> body) override;

 private:
  Parallel& inner_;
  const StopScope* const& scope_;
};

}  // namespace octet
