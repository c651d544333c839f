#include "runtime/threads/pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

using octet::runtime::PoolParallel;
using octet::runtime::ThreadPool;

namespace {

constexpr size_t kWidth = 4;

TEST_CASE("every index is visited once, whatever the grain") {
  ThreadPool pool(kWidth - 1);
  PoolParallel parallel(pool, kWidth);
  for (const size_t count : {0, 1, 2, 63, 1000})
    for (const size_t grain : {0, 1, 7, 2000}) {
      std::vector<std::atomic<int>> visits(count);
      parallel.for_ranges(count, grain, [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) ++visits[i];
      });
      for (const auto& v : visits) CHECK(v == 1);
    }
}

TEST_CASE("an exception of a chunk is thrown to the caller, and the pool goes on") {
  ThreadPool pool(kWidth - 1);
  PoolParallel parallel(pool, kWidth);
  for (size_t bad = 0; bad < 64; ++bad) {
    CHECK_THROWS_AS(parallel.for_ranges(64, 1,
                                        [&](size_t begin, size_t end) {
                                          if (begin <= bad && bad < end)
                                            throw std::runtime_error("chunk");
                                        }),
                    std::runtime_error);
    std::atomic<size_t> sum{0};
    parallel.for_ranges(64, 1, [&](size_t begin, size_t end) { sum += end - begin; });
    CHECK(sum == 64);
  }
}

TEST_CASE("a chunk may share work of its own") {
  ThreadPool pool(kWidth - 1);
  PoolParallel parallel(pool, kWidth);
  std::atomic<size_t> sum{0};
  parallel.for_ranges(8, 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      parallel.for_ranges(100, 1, [&](size_t from, size_t to) { sum += to - from; });
  });
  CHECK(sum == 800);
}

}  // namespace
