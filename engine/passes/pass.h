#pragma once

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"

namespace octet {

/// When a pass runs.
enum class PassPhase : uint8_t {
  portable,  ///< Keeps the graph standard ONNX: at import, before quantization.
  fusion,    ///< May make operators of ours: only on the way to a plan.
};

struct PassOptions {
  /// The largest constant, in bytes, that folding may make (unless it gets smaller by folding).
  size_t fold_limit = size_t{16} << 20;
  /// Values that must survive, as outputs do (observed inner values).
  std::vector<ValueId> keep;
  /// The graph is a node's body: extents of its inputs follow from the node's.
  bool body = false;

  bool keeps(ValueId id) const { return std::find(keep.begin(), keep.end(), id) != keep.end(); }
};

// Each pass by itself: passes::<file>::run.
#define OCTET_PASS(file, phase)                               \
  namespace passes::file {                                    \
  Result<bool> run(Graph& graph, const PassOptions& options); \
  }
#include "engine/passes/passes.def"
#undef OCTET_PASS

/// A rewrite of a graph. Types are inferred before each pass and kept right by it.
struct Pass {
  std::string_view name;
  PassPhase phase;
  /// Whether it changed anything.
  Result<bool> (*run)(Graph& graph, const PassOptions& options);
};

/// All passes, in the order of passes.def.
std::span<const Pass> all_passes();

/// Runs the passes of a phase in order, twice if the first round changed anything; bodies too. None
/// takes extents of inputs to be equal because of their names (`IndependentExtents`).
Status run_passes(Graph& graph, PassPhase phase, const PassOptions& options = {});

/// Removes nodes whose outputs nobody reads, and values that nobody holds. For passes.
bool remove_dead(Graph& graph);

}  // namespace octet
