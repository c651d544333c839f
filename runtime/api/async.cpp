#include "runtime/api/async.h"

#include "runtime/api/handles.h"
#include "runtime/threads/pool.h"

struct octet_pending {
  std::shared_ptr<octet::api::AsyncRun> run;
};

namespace octet::api {
namespace {

octet_error* run_now(AsyncRun& run, octet_results** results) {
  return guarded([&]() -> octet_error* {
    if (run.cancelled) return to_c(Error{ErrorCode::deadline, "the run was cancelled"});
    auto outputs = run.program->run(run.inputs, run.options);
    if (!outputs) return to_c(std::move(outputs).error());
    *results = to_results(std::move(*outputs));
    return nullptr;
  });
}

void finish(AsyncRun& run) {
  octet_results* results = nullptr;
  octet_error* error = run_now(run, &results);
  run.done(error, results, run.user);
  // Under the mutex: who waits may drop the last hold on the run as soon as it is released.
  const std::lock_guard lock(run.mutex);
  run.finished = true;
  run.over.notify_all();
}

}  // namespace

AsyncRuns::~AsyncRuns() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    for (const auto& run : waiting_) run->cancelled = true;
    for (const auto& run : running_) run->cancelled = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void AsyncRuns::post(std::shared_ptr<AsyncRun> run) {
  const std::lock_guard lock(mutex_);
  // A thread that can't be had is no reason to fail while there is another.
  if (waiting_.size() >= idle_ && threads_.size() < width_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) throw;
    }
  }
  waiting_.push_back(std::move(run));
  wake_.notify_one();
}

void AsyncRuns::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    const std::shared_ptr<AsyncRun> run = std::move(waiting_.front());
    waiting_.pop_front();
    running_.insert(run);
    lock.unlock();
    finish(*run);
    lock.lock();
    running_.erase(run);
  }
}

}  // namespace octet::api

using octet::api::AsyncRun;
using octet::api::AsyncRuns;
using octet::api::guarded;
using octet::api::to_c;

extern "C" {

octet_error* octet_session_run_async(octet_session* session, const octet_tensor* inputs,
                                     size_t input_count, const octet_run_options* options,
                                     octet_done done, void* user, octet_pending** pending) {
  return guarded([&]() -> octet_error* {
    auto run = std::make_shared<AsyncRun>();
    if (auto status = octet::api::view_inputs(inputs, input_count, run->inputs); !status)
      return to_c(std::move(status).error());
    run->program = session->program;
    if (options != nullptr) {
      run->limits = *options;
      run->options = octet::api::run_options(&run->limits);
    }
    run->options.cancelled = [state = run.get(), asked = std::move(run->options.cancelled)] {
      return state->cancelled.load(std::memory_order_relaxed) || (asked && asked());
    };
    run->done = done;
    run->user = user;
    auto handle = std::make_unique<octet_pending>(octet_pending{run});
    {
      const std::lock_guard lock(session->mutex);
      if (session->async == nullptr)
        session->async = std::make_unique<AsyncRuns>(octet::runtime::usable_cores());
    }
    session->async->post(std::move(run));
    if (pending != nullptr) *pending = handle.release();
    return nullptr;
  });
}

void octet_pending_cancel(octet_pending* pending) { pending->run->cancelled = true; }

void octet_pending_wait(octet_pending* pending) {
  std::unique_lock lock(pending->run->mutex);
  pending->run->over.wait(lock, [&] { return pending->run->finished; });
}

void octet_pending_free(octet_pending* pending) { delete pending; }

}  // extern "C"
