#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/memory.h"
#include "engine/ops/step.h"

namespace octet::runtime {

enum class Provider : uint8_t { automatic, native, onednn, xnnpack, reference };
std::string_view provider_name(Provider provider);
std::optional<Provider> provider_from_name(std::string_view name);

/// Nodes, by name, that another provider than ours runs.
using NodeProviders = std::map<std::string, Provider, std::less<>>;

struct CompileOptions {
  Provider provider = Provider::automatic;
  CpuToken cpu = CpuToken::best();
  size_t threads = 0;             ///< 0: the cores that this process may use.
  bool fuse = true;               ///< False keeps every node of the graph, as calibration needs it.
  std::vector<std::string> keep;  ///< Inner values that must be made as they are.
  size_t cached_bindings = 8;     ///< Sets of input dims whose plans are remembered.
  bool share_small = false;  ///< Threads share even what is too small to gain by it: for tests.
  std::string cache;         ///< The folder of packed weights' files; empty: none.
  /// Of `automatic`; unset: what tuning left in the cache folder for the model.
  std::optional<NodeProviders> choices{};
  /// What compiling and running may take; null: whatever the calling thread is held to.
  std::shared_ptr<MemoryBudget> memory;
};

/// One step of a run, for profiles.
struct StepProfile {
  std::string_view node;
  std::string_view op;  ///< Empty for conversions.
  const StepInfo* info;
  std::chrono::nanoseconds start;  ///< Since the run began.
  std::chrono::nanoseconds duration;
  int64_t macs;
};

struct RunOptions {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// Asked between steps and inside long ones: true stops the run.
  std::function<bool()> cancelled;
  std::function<void(const StepProfile&)> profile;
  /// Sees each value as soon as it is made, by the value's name; the view is valid in the call.
  std::function<void(std::string_view name, const TensorView& view)> observer;
};

}  // namespace octet::runtime
