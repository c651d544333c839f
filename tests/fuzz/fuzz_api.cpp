// The C interface: a model's file, ports, and tensors of right and wrong forms.
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "octet/octet.h"
#include "tests/fuzz/exercise.h"
#include "tests/fuzz/libfuzzer.h"

namespace {

void run(octet_session* session, size_t spoiled) {
  std::vector<std::vector<int64_t>> dims;
  std::vector<std::vector<double>> memory;
  std::vector<octet_tensor> inputs;
  const size_t count = octet_session_input_count(session);
  for (size_t i = 0; i < count; ++i) {
    const octet_port port = octet_session_input(session, i);
    auto& extents = dims.emplace_back(port.dims, port.dims + port.rank);
    size_t elements = 1;
    for (int64_t& extent : extents) {
      if (extent < 0) extent = 3;
      if (extent > 4096) return;
      elements *= static_cast<size_t>(extent);
      if (elements > 65536) return;
    }
    memory.emplace_back(elements + 1, 0.5);
    octet_tensor tensor{port.dtype, memory.back().data(), memory.back().size() * sizeof(double),
                        extents.data(), extents.size()};
    if (port.dtype == OCTET_STRING || port.dtype == OCTET_LIST) tensor.bytes = 0;
    if (spoiled == i + 1) tensor.bytes /= 16;
    if (spoiled == i + 2 && tensor.rank > 0) tensor.rank -= 1;
    inputs.push_back(tensor);
  }
  octet_run_options options{};
  options.deadline_ms = 2000;
  octet_results* results = nullptr;
  octet_error_free(octet_session_run(session, inputs.data(), count, &options, &results));
  for (size_t i = 0; results != nullptr && i < octet_results_count(results); ++i)
    (void)octet_results_get(results, i);
  octet_results_free(results);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const int file = ::memfd_create("model", MFD_CLOEXEC);
  if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size)) return 0;
  octet_options* options = octet_options_new();
  octet_options_set_memory(options, octet::fuzz::kMemoryLimit);
  octet_options_set_threads(options, 1 + size % 2);
  octet_session* session = nullptr;
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  octet_error* error = octet_session_load(path.c_str(), options, &session);
  octet_options_free(options);
  if (error == nullptr) run(session, size % 5);
  octet_error_free(error);
  octet_session_free(session);
  ::close(file);
  return 0;
}
