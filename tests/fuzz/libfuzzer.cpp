#include "tests/fuzz/libfuzzer.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/mutator.h"

namespace octet::fuzz {

const std::filesystem::path& own_folder() {
  static const struct Folder {
    Folder() {
      std::string pattern =
          std::filesystem::exists("/dev/shm") ? "/dev/shm/octet-XXXXXX" : "/tmp/octet-XXXXXX";
      path = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
  } folder;
  return folder.path;
}

}  // namespace octet::fuzz

// Mutants that are models, most of them; libFuzzer's own changes are tried besides.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  static const auto donors = octet::fuzz::corpus({});
  if (seed % 8 == 0) return LLVMFuzzerMutate(data, size, most);
  const auto mutant = octet::fuzz::mutate(octet::fuzz::as_text(data, size), seed, donors);
  const size_t kept = std::min(mutant.size(), most);
  std::copy_n(mutant.begin(), kept, reinterpret_cast<char*>(data));
  return kept;
}
