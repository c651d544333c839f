#include <benchmark/benchmark.h>

#include <chrono>

#include "runtime/threads/pool.h"

// A step of `us` microseconds of work on one thread, cut in eight: alone, and shared with workers
// that still spin or (where the pause between steps is long) have parked.

namespace {

using octet::runtime::PoolParallel;
using octet::runtime::ThreadPool;
using Clock = std::chrono::steady_clock;

void work_for(std::chrono::nanoseconds time) {
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
  }
}

void step(benchmark::State& state) {
  const auto width = static_cast<size_t>(state.range(0));
  const std::chrono::microseconds work(state.range(1));
  const std::chrono::microseconds pause(state.range(2));
  PoolParallel parallel(ThreadPool::process(), width);
  ThreadPool::process().ensure_workers(width - 1);
  for (auto _ : state) {
    state.PauseTiming();
    work_for(pause);
    state.ResumeTiming();
    parallel.for_ranges(8, 1, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) work_for(work / 8);
    });
  }
}

}  // namespace

BENCHMARK(step)
    ->ArgNames({"threads", "us", "pause_us"})
    ->ArgsProduct({{1, 2}, {4, 8, 16, 32, 64, 128}, {0, 200}})
    ->Unit(benchmark::kMicrosecond)
    ->UseRealTime();
