// classify MODEL: runs a model of one float input on a made-up sample and prints the likeliest
// class, then each step with the kernel that did it.
#include <algorithm>
#include <iostream>
#include <octet/octet.hpp>
#include <vector>

namespace {

void print_step(const octet_step* step, void*) {
  std::cout << "  " << step->op << ' ' << step->node << ": " << step->kernel << " (" << step->isa
            << ", " << step->provider << ")\n";
}

int fail(const octet::Failure& failure) {
  std::cerr << failure.message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: classify MODEL\n";
    return 2;
  }
  auto session = octet::Session::load(argv[1], {.threads = 1});
  if (!session) return fail(session.failure());

  std::vector<int64_t> dims = session->inputs().front().dims;
  size_t count = 1;
  for (int64_t& extent : dims) {
    extent = std::max<int64_t>(extent, 1);
    count *= static_cast<size_t>(extent);
  }
  std::vector<float> sample(count);
  for (size_t i = 0; i < count; ++i) sample[i] = static_cast<float>(i % 7) / 7.0f;

  octet_run_options options{};
  options.profile = print_step;
  const std::vector<octet::TensorRef> inputs = {{sample, dims}};
  auto results = session->run(inputs, &options);
  if (!results) return fail(results.failure());
  const auto scores = results->values<float>(0);
  if (scores.empty()) return fail({OCTET_INVALID_DATA, "the first output isn't of floats"});
  std::cout << "class " << std::max_element(scores.begin(), scores.end()) - scores.begin() << '\n';
  return 0;
}
