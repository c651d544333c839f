#include "runtime/threads/pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

namespace octet::runtime {
namespace {

constexpr auto kSpin = std::chrono::microseconds(50);
constexpr int kWaitPauses = 1000;
constexpr size_t kMaxWorkers = 255;
// Chunks a thread: enough that a late worker still finds some.
constexpr size_t kChunksPerThread = 4;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

size_t cgroup_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return SIZE_MAX;
  const double cores = std::strtod(quota.c_str(), nullptr) / period;
  return cores > 0 ? static_cast<size_t>(cores + 0.999) : SIZE_MAX;
}

}  // namespace

size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  size_t cores = std::max(1U, std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    cores = std::max<size_t>(1, static_cast<size_t>(CPU_COUNT(&set)));
  return std::clamp<size_t>(std::min(cores, cgroup_cores()), 1, kMaxWorkers + 1);
}

ThreadPool::ThreadPool(size_t workers) { ensure_workers(workers); }

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

ThreadPool& ThreadPool::process() {
  static ThreadPool pool(usable_cores() - 1);
  return pool;
}

void ThreadPool::ensure_workers(size_t count) {
  const std::lock_guard lock(mutex_);
  while (threads_.size() < std::min(count, kMaxWorkers))
    threads_.emplace_back([this] { worker_loop(); });
}

void ThreadPool::work(Job& job) noexcept {
  try {
    while (!job.failed.load(std::memory_order_relaxed)) {
      const size_t begin = job.next.fetch_add(job.chunk, std::memory_order_relaxed);
      if (begin >= job.count) return;
      job.body(begin, std::min(begin + job.chunk, job.count));
    }
  } catch (...) {
    if (!job.failed.exchange(true)) job.failure = std::current_exception();
  }
}

// Briefly awake: a helper that lost its core to somebody else needs ours.
void ThreadPool::wait_for_helpers(const Job& job) {
  for (int i = 0; job.active.load(std::memory_order_acquire) != 0; ++i) {
    if (i < kWaitPauses)
      pause();
    else
      std::this_thread::yield();
  }
}

void ThreadPool::rouse() {
  if (parked_.load(std::memory_order_relaxed) == 0) return;
  posted_.fetch_add(1, std::memory_order_release);
  {
    const std::lock_guard lock(mutex_);  // Nobody is between its last look and its wait.
  }
  wake_.notify_all();
}

void ThreadPool::run(size_t count, size_t chunk, size_t width,
                     FunctionRef<void(size_t, size_t)> body) {
  Job job{body, count, chunk, width - 1};
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(&job);
    wake = parked_ > 0;
    posted_.fetch_add(1, std::memory_order_release);
  }
  if (wake) wake_.notify_all();
  work(job);
  {
    const std::lock_guard lock(mutex_);
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
  }
  wait_for_helpers(job);
  if (job.failure) std::rethrow_exception(job.failure);
}

ThreadPool::Job* ThreadPool::join_job() {
  const std::lock_guard lock(mutex_);
  for (Job* job : jobs_) {
    if (job->helpers == 0 || job->next.load(std::memory_order_relaxed) >= job->count) continue;
    --job->helpers;
    job->active.fetch_add(1, std::memory_order_relaxed);
    return job;
  }
  return nullptr;
}

void ThreadPool::worker_loop() {
  while (!stop_) {
    // Read before looking for a job: one posted after the look then ends the wait below.
    const uint64_t seen = posted_.load(std::memory_order_acquire);
    if (Job* job = join_job()) {
      work(*job);
      job->active.fetch_sub(1, std::memory_order_release);
      continue;
    }
    const auto until = std::chrono::steady_clock::now() + kSpin;
    bool found = false;
    while (!found && std::chrono::steady_clock::now() < until) {
      for (int i = 0; i < 32 && !found; ++i) {
        pause();
        found = posted_.load(std::memory_order_acquire) != seen;
      }
    }
    if (found) continue;
    std::unique_lock lock(mutex_);
    ++parked_;
    wake_.wait(lock, [&] { return stop_ || posted_.load() != seen; });
    --parked_;
  }
}

void PoolParallel::for_ranges(size_t count, size_t grain, FunctionRef<void(size_t, size_t)> body) {
  if (count == 0) return;
  const size_t least = std::max<size_t>(grain, 1);
  if (width_ == 1 || count <= least) return body(0, count);
  const size_t chunk =
      std::max(least, (count + width_ * kChunksPerThread - 1) / (width_ * kChunksPerThread));
  pool_.run(count, chunk, width_, body);
}

}  // namespace octet::runtime
