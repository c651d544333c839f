#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace octet {

/// A non-owning reference to a callable; valid only while the callable lives.
template <typename Signature>
class FunctionRef;

template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      FunctionRef(F&& f)  // NOLINT(google-explicit-constructor): made to be passed in place
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(args...);
        }) {}
  R operator()(Args... args) const { return call_(object_, args...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

/// How a kernel spreads work. Kernels see only this; the runtime's pool implements it.
class Parallel {
 public:
  virtual ~Parallel() = default;
  /// The most chunks that run at the same time, the caller's included; at least 1.
  virtual size_t width() const = 0;
  /// Calls `body(begin, end)` over disjoint ranges that cover [0, count), each of at least `grain`
  /// indices (the last may be shorter), in any order and on any thread; returns when all are done.
  /// The split never changes a result: a kernel sums only inside an index.
  virtual void for_ranges(size_t count, size_t grain,
                          FunctionRef<void(size_t begin, size_t end)> body) = 0;
};

/// Runs everything on the caller's thread.
class SerialParallel final : public Parallel {
 public:
  size_t width() const override { return 1; }
  void for_ranges(size_t count, size_t /*grain*/, FunctionRef<void(size_t, size_t)> body) override {
    if (count > 0) body(0, count);
  }
};

}  // namespace octet
