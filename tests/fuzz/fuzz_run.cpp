// Loading and running, on an instruction set that the size chooses.
#include "tests/fuzz/exercise.h"
#include "tests/fuzz/libfuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  octet::fuzz::exercise(octet::fuzz::as_text(data, size), size, octet::fuzz::own_folder(),
                        octet::fuzz::Steps::run);
  return 0;
}
