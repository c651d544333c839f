// threads MODEL: runs one session from four threads at once and says whether all agree.
#include <algorithm>
#include <iostream>
#include <octet/octet.hpp>
#include <thread>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: threads MODEL\n";
    return 2;
  }
  auto session = octet::Session::load(argv[1]);
  if (!session) {
    std::cerr << session.failure().message << '\n';
    return 1;
  }
  std::vector<int64_t> dims = session->inputs().front().dims;
  size_t count = 1;
  for (int64_t& extent : dims) {
    extent = std::max<int64_t>(extent, 1);
    count *= static_cast<size_t>(extent);
  }
  const std::vector<float> sample(count, 0.5f);

  std::vector<std::vector<float>> outputs(4);
  std::vector<std::thread> threads;
  for (auto& output : outputs) {
    threads.emplace_back([&] {
      auto results = session->run({{sample, dims}});
      if (!results) return;
      const auto values = results->values<float>(0);
      output.assign(values.begin(), values.end());
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& output : outputs) {
    if (output.empty() || output != outputs.front()) {
      std::cerr << "the runs differ\n";
      return 1;
    }
  }
  std::cout << "4 runs, " << outputs.front().size() << " elements, the same\n";
  return 0;
}
