#include "engine/ir/memory.h"

#include <algorithm>
#include <string>

namespace octet {
namespace {

constexpr std::align_val_t kAlignment{64};

std::shared_ptr<MemoryBudget>& thread_budget() {
  thread_local std::shared_ptr<MemoryBudget> budget;
  return budget;
}

}  // namespace

bool MemoryBudget::take(size_t bytes) {
  size_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  return true;
}

BudgetScope::BudgetScope(std::shared_ptr<MemoryBudget> budget) : previous_(thread_budget()) {
  if (budget) thread_budget() = std::move(budget);
}

BudgetScope::~BudgetScope() { thread_budget() = std::move(previous_); }

const std::shared_ptr<MemoryBudget>& BudgetScope::current() { return thread_budget(); }

Result<std::shared_ptr<std::byte>> allocate(size_t bytes) {
  const size_t size = std::max<size_t>(bytes, 1);
  const std::shared_ptr<MemoryBudget> budget = thread_budget();
  if (budget && !budget->take(size))
    return Error{ErrorCode::limit, std::to_string(bytes) + " bytes more pass the memory limit of " +
                                       std::to_string(budget->limit()) + " bytes (" +
                                       std::to_string(budget->used()) + " are taken)"};
  auto* memory = static_cast<std::byte*>(::operator new(size, kAlignment, std::nothrow));
  if (memory == nullptr) {
    if (budget) budget->give(size);
    return Error{ErrorCode::machine, "out of memory for " + std::to_string(bytes) + " bytes"};
  }
  return std::shared_ptr<std::byte>(memory, [budget, size](std::byte* p) {
    ::operator delete(p, kAlignment);
    if (budget) budget->give(size);
  });
}

Error memory_error(const std::bad_alloc& failure) {
  if (const auto* known = dynamic_cast<const AllocationError*>(&failure)) return known->error();
  return {ErrorCode::machine, "out of memory"};
}

}  // namespace octet
