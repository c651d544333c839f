#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "engine/ir/result.h"

namespace octet {

/// How many bytes tensors, packed weights and arenas may take together. All of them come from
/// `allocate`, which asks here first. Mapped files aren't counted: the machine can drop their
/// pages.
class MemoryBudget {
 public:
  explicit MemoryBudget(size_t limit) : limit_(limit) {}
  /// False, and takes nothing, where the limit would be passed.
  bool take(size_t bytes);
  void give(size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  size_t limit() const { return limit_; }
  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  size_t limit_;
  std::atomic<size_t> used_{0};
};

/// While it lives, what this thread allocates is charged to `budget`; null leaves things as they
/// are.
class BudgetScope {
 public:
  explicit BudgetScope(std::shared_ptr<MemoryBudget> budget);
  ~BudgetScope();
  BudgetScope(const BudgetScope&) = delete;
  BudgetScope& operator=(const BudgetScope&) = delete;
  /// This thread's budget, or null.
  static const std::shared_ptr<MemoryBudget>& current();

 private:
  std::shared_ptr<MemoryBudget> previous_;
};

/// Memory aligned to 64 bytes, charged to this thread's budget until nobody holds it any more.
/// Errors: ErrorCode::limit past the budget, ErrorCode::machine where there is none.
Result<std::shared_ptr<std::byte>> allocate(size_t bytes);

/// The same for what lives as long as a model, zeroed, and all of it in memory from the start, as
/// its caller writes all of it: large blocks have pages of their own, which the machine gets back
/// as soon as nobody holds them, whatever lies around them.
Result<std::shared_ptr<std::byte>> allocate_lasting(size_t bytes);

/// What functions that can't return an error throw when `allocate` fails.
class AllocationError : public std::bad_alloc {
 public:
  explicit AllocationError(Error error) : error_(std::make_shared<const Error>(std::move(error))) {}
  const char* what() const noexcept override { return error_->message.c_str(); }
  const Error& error() const { return *error_; }

 private:
  std::shared_ptr<const Error> error_;
};

/// A failed allocation as an error.
Error memory_error(const std::bad_alloc& failure);

/// f(), or the error of an allocation that failed in it.
template <typename F>
auto catch_memory_errors(F&& f) -> decltype(f()) {
  try {
    return f();
  } catch (const std::bad_alloc& failure) {
    return memory_error(failure);
  }
}

}  // namespace octet
