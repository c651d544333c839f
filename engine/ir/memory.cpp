#include "engine/ir/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>

namespace octet {
namespace {

constexpr std::align_val_t kAlignment{64};
// From here on the last page's rest is a small share.
constexpr size_t kMinPages = size_t{64} << 10;
constexpr size_t kHugePage = size_t{2} << 20;

std::shared_ptr<MemoryBudget>& thread_budget() {
  thread_local std::shared_ptr<MemoryBudget> budget;
  return budget;
}

std::byte* take_block(size_t size) {
  return static_cast<std::byte*>(::operator new(size, kAlignment, std::nothrow));
}

void give_block(std::byte* memory, size_t /*size*/) { ::operator delete(memory, kAlignment); }

const auto kPage = static_cast<size_t>(::sysconf(_SC_PAGESIZE));

size_t round_up(size_t size, size_t step) { return (size + step - 1) / step * step; }

std::byte* map(size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

// Addresses that blocks are cut from one behind the other, so that huge pages fit over several:
// weights that come by once a run would otherwise wait for the translation of each small page.
// Whoever has a block gives it back by itself.
class Reserve {
 public:
  std::byte* take(size_t size) {
    const std::lock_guard lock(mutex_);
    if (size > left_ && !renew(size)) return map(size);
    std::byte* const block = next_;
    next_ += size;
    left_ -= size;
    return block;
  }

 private:
  // Small models stay below.
  static constexpr size_t kSmallPages = kHugePage;
  static constexpr size_t kSize = size_t{32} << 20;

  bool renew(size_t least) {
    const size_t size = round_up(std::max(least, kSize), kHugePage);
    std::byte* const memory = map(size + kHugePage);
    if (memory == nullptr) return false;
    if (left_ > 0) ::munmap(next_, left_);
    const size_t before = -reinterpret_cast<uintptr_t>(memory) % kHugePage;
    if (before > 0) ::munmap(memory, before);
    ::munmap(memory + before + size, kHugePage - before);
    next_ = memory + before;
    left_ = size;
    // A wish: without huge pages all is the same but slower.
    ::madvise(next_ + kSmallPages, size - kSmallPages, MADV_HUGEPAGE);
    return true;
  }

  std::mutex mutex_;
  std::byte* next_ = nullptr;
  size_t left_ = 0;
};

std::byte* take_pages(size_t size) {
  static Reserve reserve;
  std::byte* const memory = reserve.take(round_up(size, kPage));
#ifdef MADV_POPULATE_WRITE
  // All of it is written: one call costs less than a fault a page. A wish, too.
  if (memory != nullptr) ::madvise(memory, size, MADV_POPULATE_WRITE);
#endif
  return memory;
}

void give_pages(std::byte* memory, size_t size) { ::munmap(memory, round_up(size, kPage)); }

// Memory of take(), for give() to free; charged to the thread's budget meanwhile.
Result<std::shared_ptr<std::byte>> hold(size_t bytes, std::byte* (*take)(size_t),
                                        void (*give)(std::byte*, size_t)) {
  const size_t size = std::max<size_t>(bytes, 1);
  const std::shared_ptr<MemoryBudget> budget = thread_budget();
  if (budget && !budget->take(size))
    return Error{ErrorCode::limit, std::to_string(bytes) + " bytes more pass the memory limit of " +
                                       std::to_string(budget->limit()) + " bytes (" +
                                       std::to_string(budget->used()) + " are taken)"};
  std::byte* memory = take(size);
  if (memory == nullptr) {
    if (budget) budget->give(size);
    return Error{ErrorCode::machine, "out of memory for " + std::to_string(bytes) + " bytes"};
  }
  return std::shared_ptr<std::byte>(memory, [budget, size, give](std::byte* p) {
    give(p, size);
    if (budget) budget->give(size);
  });
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
  return hold(bytes, take_block, give_block);
}

Result<std::shared_ptr<std::byte>> allocate_lasting(size_t bytes) {
  if (bytes >= kMinPages) return hold(bytes, take_pages, give_pages);
  OCTET_ASSIGN(auto memory, allocate(bytes));
  std::memset(memory.get(), 0, bytes);
  return memory;
}

Error memory_error(const std::bad_alloc& failure) {
  if (const auto* known = dynamic_cast<const AllocationError*>(&failure)) return known->error();
  return {ErrorCode::machine, "out of memory"};
}

}  // namespace octet
