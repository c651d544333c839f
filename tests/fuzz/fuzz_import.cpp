// Bytes to a typed graph.
#include "importers/onnx/import.h"
#include "tests/fuzz/exercise.h"
#include "tests/fuzz/libfuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const octet::BudgetScope scope(std::make_shared<octet::MemoryBudget>(octet::fuzz::kMemoryLimit));
  (void)octet::import_model(octet::fuzz::as_bytes(data, size), octet::fuzz::own_folder()).ok();
  return 0;
}
