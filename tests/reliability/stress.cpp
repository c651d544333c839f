// octet_stress [RUNS]: 8 threads run one session RUNS times each while two more make and free
// sessions of the same model. Fails where a result differs by a bit from a session's that nobody
// shares; the same at 1, 2, 3, 4, 8 and 16 threads a run.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "octet/octet.hpp"
#include "tests/reliability/models.h"

namespace {

using Values = std::vector<float>;

octet::Session load(const std::filesystem::path& path, size_t threads) {
  octet::Options options;
  options.threads = threads;
  auto session = octet::Session::load(path.string(), options);
  if (!session) std::abort();
  return std::move(*session);
}

Values input(size_t rows) {
  Values x(rows * 4);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 7 % 23) / 8.0F - 1.0F;
  return x;
}

Values run(octet::Session& session, size_t rows) {
  Values x = input(rows);
  auto results = session.run({{x, {static_cast<int64_t>(rows), 4}}});
  if (!results) std::abort();
  const auto y = results->values<float>(0);
  return {y.begin(), y.end()};
}

}  // namespace

int main(int argc, char** argv) {
  const size_t runs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 300;
  const octet::testing::Folder folder;
  folder.write("model.onnx", octet::testing::small_network().SerializeAsString());
  const auto path = folder.path / "model.onnx";
  constexpr size_t kRows[] = {1, 7, 64, 300, 2000};
  std::vector<Values> want;
  auto alone = load(path, 1);
  for (const size_t rows : kRows) want.push_back(run(alone, rows));
  std::atomic<size_t> wrong{0};
  for (const size_t threads : {2, 3, 4, 8, 16}) {
    auto session = load(path, threads);
    for (size_t i = 0; i < std::size(kRows); ++i) wrong += run(session, kRows[i]) != want[i];
  }
  auto shared = load(path, 2);
  std::atomic<bool> done{false};
  std::atomic<size_t> made{0};
  std::vector<std::thread> makers;
  for (int i = 0; i < 2; ++i)
    makers.emplace_back([&] {
      while (!done) {
        auto session = load(path, 2);
        wrong += run(session, kRows[1]) != want[1];
        ++made;
      }
    });
  std::vector<std::thread> runners;
  for (size_t t = 0; t < 8; ++t)
    runners.emplace_back([&, t] {
      for (size_t i = 0; i < runs; ++i) {
        const size_t which = (i + t) % std::size(kRows);
        wrong += run(shared, kRows[which]) != want[which];
      }
    });
  for (std::thread& runner : runners) runner.join();
  done = true;
  for (std::thread& maker : makers) maker.join();
  std::cout << "8 threads, " << runs << " runs each, " << made
            << " sessions made meanwhile: " << wrong << " wrong results\n";
  return wrong == 0 ? 0 : 1;
}
