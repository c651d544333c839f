#include <benchmark/benchmark.h>

#include <chrono>

#include "runtime/threads/pool.h"

// A step of about `us` microseconds of work on one thread, cut in eight: alone, and shared with a
// worker that still spins (a pause of 5 us between steps) or has parked (200 us). Only the step is
// timed.

namespace {

using octet::runtime::PoolParallel;
using octet::runtime::ThreadPool;
using Clock = std::chrono::steady_clock;

constexpr size_t kParts = 8, kLinksPerUs = 300;

void wait_for(std::chrono::nanoseconds time) {
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
  }
}

// A chain of products and sums.
void work_for(size_t links) {
  float value = 1.0F;
  for (size_t i = 0; i < links; ++i) {
    value = value * 0.5F + 1.0F;
    benchmark::DoNotOptimize(value);
  }
}

void step(benchmark::State& state) {
  const auto width = static_cast<size_t>(state.range(0));
  const auto us = static_cast<size_t>(state.range(1));
  const std::chrono::microseconds pause(state.range(2));
  PoolParallel parallel(ThreadPool::process(), width);
  ThreadPool::process().ensure_workers(width - 1);
  for (auto _ : state) {
    wait_for(pause);
    const auto start = Clock::now();
    parallel.for_ranges(kParts, 1, [&](size_t begin, size_t end) {
      for (; begin < end; ++begin) work_for(us * kLinksPerUs / kParts);
    });
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

}  // namespace

BENCHMARK(step)
    ->ArgNames({"threads", "us", "pause_us"})
    ->ArgsProduct({{1, 2}, {2, 4, 8, 16, 32, 64, 128}, {5, 200}})
    ->Unit(benchmark::kMicrosecond)
    ->UseManualTime();
