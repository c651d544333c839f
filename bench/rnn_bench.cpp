#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/rnn/rnn.h"
#include "kernels/rnn_f32/rnn_f32.h"
#include "kernels/rnn_s8/rnn_s8.h"

using namespace octet;
using namespace octet::kernels;

namespace {

constexpr size_t kSteps = 100;

void lstm_recurrence(benchmark::State& state, const RnnCell& cell, size_t hidden, size_t batch) {
  const auto aligned = [](size_t bytes) {
    return std::unique_ptr<void, void (*)(void*)>(
        std::aligned_alloc(64, (bytes + 63) / 64 * 64 + 64), std::free);
  };
  const std::vector<float> weights(4 * hidden * hidden, 0.0F), gates(4 * hidden * kSteps * batch);
  const float scale = 1e-3F;
  const auto packed = aligned(cell.packed_bytes(4, hidden));
  const auto scratch = aligned(rnn_scratch_bytes(cell, batch, hidden));
  cell.pack({4, hidden, weights.data(), &scale, 0}, packed.get());
  std::vector<float> y(kSteps * batch * hidden);
  RnnArgs args;
  args.steps = kSteps;
  args.batch = batch;
  args.hidden = hidden;
  args.packed = packed.get();
  args.gates = gates.data();
  args.gates_step = 4 * hidden * batch;
  args.gates_row = 4 * hidden;
  args.y = y.data();
  args.y_step = hidden * batch;
  args.y_row = hidden;
  args.scratch = scratch.get();
  for (auto _ : state) lstm(cell, args);
  state.counters["GMAC/s"] =
      benchmark::Counter(static_cast<double>(kSteps * batch * 4 * hidden * hidden) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate);
}

// `cell` picks what to run of an instruction set's table.
template <typename Table, typename Pick>
void add(const char* family, std::span<const Variant<Table>> variants, Pick cell) {
  for (const Variant<Table>& variant : variants) {
    if (variant.isa == Isa::scalar || !CpuToken::probe(variant.isa)) continue;
    for (const size_t hidden : {64, 256, 320, 512, 650, 1024})
      for (const size_t batch : {1, 4}) {
        const std::string name = std::string(family) + "/" + std::string(isa_name(variant.isa)) +
                                 "/h" + std::to_string(hidden) + "/b" + std::to_string(batch);
        benchmark::RegisterBenchmark(name.c_str(), lstm_recurrence, cell(*variant.table), hidden,
                                     batch);
      }
  }
}

const bool kRegistered = [] {
  add("rnn_s8", rnn_s8_variants(), [](const RnnS8& cells) { return cells.words; });
  add("rnn_s8_bytes", rnn_s8_variants(), [](const RnnS8& cells) { return cells.bytes; });
  add("rnn_f32", rnn_f32_variants(), [](const RnnCell& cell) { return cell; });
  return true;
}();

}  // namespace
