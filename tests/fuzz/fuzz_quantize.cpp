// Quantizing, in a mode that the size chooses; what is written must load.
#include "tests/fuzz/exercise.h"
#include "tests/fuzz/libfuzzer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto outcome =
      octet::fuzz::exercise(octet::fuzz::as_text(data, size), size, octet::fuzz::own_folder(),
                            octet::fuzz::Steps::quantize);
  if (outcome.quantized && !outcome.read_back) __builtin_trap();
  return 0;
}
