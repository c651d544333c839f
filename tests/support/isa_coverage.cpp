// Prints how this build's kernel tests prove each instruction set on this CPU: "native" (run by the
// CPU), "emulated", both or "unproven".
#include <cstdio>
#include <string>

#include "kernels/cpu/isa.h"

namespace {

bool is_emulated([[maybe_unused]] octet::Isa isa) {
#if defined(OCTET_EMULATION)
  switch (isa) {
#define OCTET_EMULATED(name, host, flags) \
  case octet::Isa::name:                  \
    return octet::CpuToken::probe(octet::Isa::host).has_value();
#include "kernels/emulate/arm.def"
#include "kernels/emulate/emulated.def"
#undef OCTET_EMULATED
    default: return false;
  }
#else
  return false;
#endif
}

}  // namespace

int main() {
  std::string line;
  for (size_t i = 0; i < octet::kIsaCount; ++i) {
    const auto isa = static_cast<octet::Isa>(i);
    const bool native = octet::CpuToken::probe(isa).has_value();
    const bool emulated = is_emulated(isa);
    line += i == 0 ? "" : ", ";
    line += octet::isa_name(isa);
    line += native && emulated ? " native and emulated"
            : native           ? " native"
            : emulated         ? " emulated"
                               : " unproven";
  }
  std::printf("instruction sets: %s\n", line.c_str());
}
