#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "octet/octet.h"
#include "runtime/session/program.h"

namespace octet::api {

/// One asynchronous run: what it needs, and how far it is.
struct AsyncRun {
  std::shared_ptr<runtime::Program> program;
  std::vector<Tensor> inputs;
  octet_run_options limits{};
  runtime::RunOptions options;
  octet_done done = nullptr;
  void* user = nullptr;

  std::atomic<bool> cancelled{false};
  std::mutex mutex;
  std::condition_variable over;
  bool finished = false;  // Guarded by mutex: `done` has returned.
};

/// A session's asynchronous runs: a queue, and threads that are started as runs come and find all
/// others busy. The destructor cancels what is left and waits for its `done`.
class AsyncRuns {
 public:
  /// At most `width` runs at once.
  explicit AsyncRuns(size_t width) : width_(width) {}
  ~AsyncRuns();
  AsyncRuns(const AsyncRuns&) = delete;
  AsyncRuns& operator=(const AsyncRuns&) = delete;

  void post(std::shared_ptr<AsyncRun> run);

 private:
  void work();

  size_t width_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<AsyncRun>> waiting_;
  std::set<std::shared_ptr<AsyncRun>> running_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stop_ = false;
};

}  // namespace octet::api
