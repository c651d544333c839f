#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/parallel.h"

namespace octet::runtime {

/// Cores that this process may use: the affinity mask, and the cgroup's quota rounded up.
size_t usable_cores();

/// Worker threads shared by every session of the process. Work is claimed in chunks; the caller
/// claims too and waits only for workers that hold a chunk, so a pool whose workers sleep or are
/// busy elsewhere costs nothing but parallelism. Workers spin briefly and then park.
class ThreadPool {
 public:
  explicit ThreadPool(size_t workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// The process's pool: usable_cores() - 1 workers at first; grows when a session asks for more.
  static ThreadPool& process();
  void ensure_workers(size_t count);

  /// Calls body over [0, count) in chunks of `chunk` indices on at most `width` threads. An
  /// exception of a chunk ends the claiming of further ones and is thrown here, the first of
  /// several, once no thread is in the body any more.
  void run(size_t count, size_t chunk, size_t width, FunctionRef<void(size_t, size_t)> body);
  /// Wakes parked workers ahead of work, so that they are there when it comes.
  void rouse();

 private:
  struct Job {
    FunctionRef<void(size_t, size_t)> body;
    size_t count;
    size_t chunk;
    size_t helpers;  // workers that may still join; guarded by mutex_
    std::atomic<size_t> next{0};
    std::atomic<size_t> active{0};
    std::atomic<bool> failed{false};
    std::exception_ptr failure = nullptr;  // of the thread that set `failed`
  };
  static void work(Job& job) noexcept;
  static void wait_for_helpers(const Job& job);
  Job* join_job();
  void worker_loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Job*> jobs_;
  std::vector<std::thread> threads_;
  std::atomic<uint64_t> posted_{0};
  std::atomic<size_t> parked_{0};  // changed under mutex_
  std::atomic<bool> stop_{false};
};

/// A session's view of the pool: at most `width` threads at once.
class PoolParallel final : public Parallel {
 public:
  PoolParallel(ThreadPool& pool, size_t width) : pool_(pool), width_(width) {}
  size_t width() const override { return width_; }
  void for_ranges(size_t count, size_t grain, FunctionRef<void(size_t, size_t)> body) override;
  void rouse() { pool_.rouse(); }

 private:
  ThreadPool& pool_;
  size_t width_;
};

}  // namespace octet::runtime
