#include "kernels/cpu/isa.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#elif defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace octet {
namespace {

constexpr std::array<std::string_view, kIsaCount> kNames = {
#define OCTET_ISA(name, architecture, flags) #name,
#include "kernels/cpu/isa.def"
#undef OCTET_ISA
};

#if defined(__x86_64__)
// Registers of CPUID for a leaf and subleaf.
struct Cpuid {
  uint32_t eax, ebx = 0, ecx, edx = 0;
  Cpuid(uint32_t leaf, uint32_t subleaf) : eax(leaf), ecx(subleaf) {
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  }
};

// __builtin_cpu_supports also asks XGETBV whether the operating system saves the registers. Not
// every compiler knows "f16c" (clang 14) and "avxvnni" (g++ 12) there: those are asked of CPUID.
bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         ((Cpuid(1, 0).ecx >> 29) & 1U) != 0;
}

bool has_avxvnni() { return has_avx2() && ((Cpuid(7, 1).eax >> 4) & 1U) != 0; }

bool has_avx512vnni() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

// The operating system keeps tiles for a process only once it has asked for them.
bool asks_for_tiles() {
#if defined(__linux__)
  constexpr long kRequest = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;     // XFEATURE_XTILEDATA
  static const bool given = syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  return given;
#else
  return false;
#endif
}

bool has_amx() {
  constexpr uint32_t kTiles = 1U << 24;
  constexpr uint32_t kInt8 = 1U << 25;
  return has_avx512vnni() && (Cpuid(7, 0).edx & (kTiles | kInt8)) == (kTiles | kInt8) &&
         asks_for_tiles();
}
#elif defined(__aarch64__)
constexpr unsigned long kHwcapDotProduct = 1UL << 20;
constexpr unsigned long kHwcap2I8mm = 1UL << 13;
#endif

bool cpu_has(Isa isa) {
  switch (isa) {
    case Isa::scalar: return true;
#if defined(__x86_64__)
    case Isa::avx2: return has_avx2();
    case Isa::avxvnni: return has_avxvnni();
    case Isa::avx512vnni: return has_avx512vnni();
    case Isa::amx: return has_amx();
#elif defined(__aarch64__)
    case Isa::neon: return true;
    case Isa::neondot: return (getauxval(AT_HWCAP) & kHwcapDotProduct) != 0;
    case Isa::i8mm:
      return (getauxval(AT_HWCAP) & kHwcapDotProduct) != 0 &&
             (getauxval(AT_HWCAP2) & kHwcap2I8mm) != 0;
#endif
    default: return false;
  }
}

#if defined(OCTET_EMULATED_ISAS)
// Test programs whose kernels are emulated run those and no others.
bool runs(Isa isa) {
  switch (isa) {
    case Isa::scalar: return true;
#define OCTET_EMULATED(name, host, flags) \
  case Isa::name:                         \
    return cpu_has(Isa::host);
#include OCTET_EMULATED_ISAS
#undef OCTET_EMULATED
    default: return false;
  }
}
#else
bool runs(Isa isa) { return cpu_has(isa); }
#endif

}  // namespace

std::string_view isa_name(Isa isa) { return kNames[static_cast<size_t>(isa)]; }

std::optional<Isa> isa_from_name(std::string_view name) {
  for (size_t i = 0; i < kIsaCount; ++i)
    if (kNames[i] == name) return static_cast<Isa>(i);
  return std::nullopt;
}

std::optional<CpuToken> CpuToken::probe(Isa isa) {
  if (!runs(isa)) return std::nullopt;
  return CpuToken(isa);
}

CpuToken CpuToken::best() {
  for (size_t i = kIsaCount; i-- > 1;)
    if (runs(static_cast<Isa>(i))) return CpuToken(static_cast<Isa>(i));
  return scalar();
}

bool CpuToken::allows(Isa other) const {
  if (other == isa_ || other == Isa::scalar) return true;
  switch (isa_) {
    case Isa::avxvnni: return other == Isa::avx2;
    case Isa::avx512vnni: return other == Isa::avx2;
    case Isa::amx: return other == Isa::avx512vnni || other == Isa::avx2;
    case Isa::neondot: return other == Isa::neon;
    case Isa::i8mm: return other == Isa::neon || other == Isa::neondot;
    default: return false;
  }
}

}  // namespace octet
