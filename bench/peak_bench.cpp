#include <benchmark/benchmark.h>

#include <cstdint>

#include "bench/aligned.h"
#include "kernels/cpu/isa.h"

// What the machine can do at most: multiply-adds from registers to twelve independent sums, and
// bytes read in order. The kernels' figures are to be read against these.

#if defined(__x86_64__)

using namespace octet;

namespace {

constexpr size_t kSums = 12;

#define OCTET_SUMS(step)                                                                    \
  step("0") step("1") step("2") step("3") step("4") step("5") step("6") step("7") step("8") \
      step("9") step("10") step("11")
#define OCTET_LOOP(name, step)                                                                \
  void name(size_t rounds) {                                                                  \
    __asm__ volatile("vzeroall\n 1:\n" OCTET_SUMS(step) "dec %0\n jnz 1b\n vzeroupper"        \
                     : "+r"(rounds)                                                           \
                     :                                                                        \
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",  \
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"); \
  }

#define OCTET_FMA256(i) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" i "\n"
#define OCTET_FMA512(i) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" i "\n"
#define OCTET_WORDS256(i) \
  "vpmaddwd %%ymm12, %%ymm13, %%ymm14\n vpaddd %%ymm14, %%ymm" i ", %%ymm" i "\n"
#define OCTET_BYTES256(i)                                                       \
  "vpmaddubsw %%ymm12, %%ymm13, %%ymm14\n vpmaddwd %%ymm14, %%ymm13, %%ymm14\n" \
  "vpaddd %%ymm14, %%ymm" i ", %%ymm" i "\n"
#define OCTET_DOT256(i) "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm" i "\n"
#define OCTET_DOT512(i) "vpdpbusd %%zmm12, %%zmm13, %%zmm" i "\n"
OCTET_LOOP(fma256, OCTET_FMA256)
OCTET_LOOP(fma512, OCTET_FMA512)
OCTET_LOOP(words256, OCTET_WORDS256)
OCTET_LOOP(bytes256, OCTET_BYTES256)
OCTET_LOOP(dot256, OCTET_DOT256)
OCTET_LOOP(dot512, OCTET_DOT512)
#undef OCTET_DOT512
#undef OCTET_DOT256
#undef OCTET_BYTES256
#undef OCTET_WORDS256
#undef OCTET_FMA512
#undef OCTET_FMA256
#undef OCTET_LOOP
#undef OCTET_SUMS

struct Probe {
  const char* name;
  Isa isa;
  void (*run)(size_t rounds);
  size_t macs;  // of one instruction
};

constexpr Probe kProbes[] = {
    {"peak/avx2/fma", Isa::avx2, fma256, 8},
    {"peak/avx2/s16", Isa::avx2, words256, 16},
    {"peak/avx2/u8s8_saturating", Isa::avx2, bytes256, 32},
    {"peak/avxvnni/u8s8", Isa::avxvnni, dot256, 32},
    {"peak/avx512vnni/fma", Isa::avx512vnni, fma512, 16},
    {"peak/avx512vnni/u8s8", Isa::avx512vnni, dot512, 64},
};

void multiply_add(benchmark::State& state, const Probe& probe) {
  constexpr size_t kRounds = 10000;
  for (auto _ : state) probe.run(kRounds);
  state.counters["GMAC/s"] =
      benchmark::Counter(static_cast<double>(kRounds * kSums * probe.macs) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}

// Four lines a turn, so that the loop is no limit; 512-bit loads leave room to ask for lines as far
// ahead as single rows of gemm_s8 do.
#define OCTET_LINE256(at) "vmovdqu " at "(%0), %%ymm0\n vmovdqu 32+" at "(%0), %%ymm1\n"
#define OCTET_LINE512(at) "prefetcht0 2048+" at "(%0)\n vmovdqu64 " at "(%0), %%zmm0\n"
#define OCTET_LOOP(name, line)                                                     \
  void name(const float* at, size_t turns) {                                       \
    __asm__ volatile("1:\n" line("0") line("64") line("128")                       \
                         line("192") "add $256, %0\n dec %1\n jnz 1b\n vzeroupper" \
                     : "+r"(at), "+r"(turns)                                       \
                     :                                                             \
                     : "cc", "memory", "xmm0", "xmm1");                            \
  }
OCTET_LOOP(read256, OCTET_LINE256)
OCTET_LOOP(read512, OCTET_LINE512)
#undef OCTET_LOOP
#undef OCTET_LINE512
#undef OCTET_LINE256

struct Reader {
  const char* name;
  Isa isa;
  void (*run)(const float* at, size_t turns);
};

constexpr Reader kReaders[] = {{"peak/avx2/read", Isa::avx2, read256},
                               {"peak/avx512vnni/read", Isa::avx512vnni, read512}};

void read(benchmark::State& state, const Reader& reader) {
  const auto bytes = static_cast<size_t>(state.range(0));
  const auto data = bench::floats(bytes / sizeof(float));
  for (auto _ : state) reader.run(data.get(), bytes / 256);
  state.counters["GB/s"] = benchmark::Counter(static_cast<double>(bytes) * 1e-9,
                                              benchmark::Counter::kIsIterationInvariantRate);
}

const bool kRegistered = [] {
  for (const Probe& probe : kProbes)
    if (CpuToken::probe(probe.isa))
      benchmark::RegisterBenchmark(
          probe.name, [&probe](benchmark::State& state) { multiply_add(state, probe); });
  for (const Reader& reader : kReaders) {
    if (!CpuToken::probe(reader.isa)) continue;
    auto* reading = benchmark::RegisterBenchmark(
        reader.name, [&reader](benchmark::State& state) { read(state, reader); });
    for (const int64_t kilobytes : {16, 256, 400, 512, 1024, 4096, 10240, 262144})
      reading->Arg(kilobytes << 10);
  }
  return true;
}();

}  // namespace

#endif
