// octet_soak [ROUNDS]: loads a model, runs it and frees it, over and over. Fails where the heap
// grows by more than 1 MB after the first tenth of the rounds.
#include <malloc.h>

#include <cstdlib>
#include <iostream>

#include "octet/octet.hpp"
#include "tests/reliability/models.h"

namespace {

size_t heap_bytes() { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; }

bool round(const std::filesystem::path& path) {
  auto session = octet::Session::load(path.string());
  if (!session) return false;
  std::vector<float> x(8, 0.5F);
  return static_cast<bool>(session->run({{x, {2, 4}}}));
}

}  // namespace

int main(int argc, char** argv) {
  const size_t rounds = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000;
  const octet::testing::Folder folder;
  folder.write("model.onnx", octet::testing::small_network().SerializeAsString());
  size_t before = 0;
  for (size_t i = 0; i < rounds; ++i) {
    if (i == rounds / 10) before = heap_bytes();
    if (!round(folder.path / "model.onnx")) return 1;
  }
  const auto growth = static_cast<int64_t>(heap_bytes()) - static_cast<int64_t>(before);
  std::cout << rounds << " rounds of load, run and free: " << growth << " bytes more than after "
            << rounds / 10 << "\n";
  return growth <= 1 << 20 ? 0 : 1;
}
