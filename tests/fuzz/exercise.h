#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ir/stop.h"
#include "kernels/cpu/isa.h"
#include "runtime/session/program.h"

namespace octet::fuzz {

/// What a program that doesn't trust its models sets: bytes of tensors, weights and arenas, and the
/// time that a load, its runs and a quantization may take together.
inline constexpr size_t kMemoryLimit = size_t{256} << 20;
inline constexpr std::chrono::milliseconds kTimeLimit{1500};
/// That limit, from now on.
class TimeLimit {
 private:
  const std::function<bool()> never_{};
  const StopScope scope_{std::chrono::steady_clock::now() + kTimeLimit, never_};
};

/// How far a model came.
struct Outcome {
  bool loaded = false;
  bool ran = false;
  bool quantized = false;  ///< And written.
  bool read_back = false;  ///< What was written was loaded.
};

/// What is done with a model that loads.
enum class Steps : uint8_t { run, quantize, both };

/// The instruction sets that this CPU runs.
std::vector<CpuToken> instruction_sets();

/// Inputs of a program: extents of 1 to 5 where the model leaves them open, elements that `seed`
/// chooses. Empty where the model takes more than a million elements, or maps.
std::optional<std::vector<Tensor>> make_inputs(const runtime::Program& program, uint64_t seed);

/// Imports, compiles, runs, quantizes (mode, format and instruction set as `seed` says), writes to
/// `folder` and reads that, under the limits. Errors are expected.
Outcome exercise(std::string_view model, uint64_t seed, const std::filesystem::path& folder,
                 Steps steps = Steps::both);

}  // namespace octet::fuzz
