#pragma once

#include "runtime/session/options.h"
#include "runtime/session/plan.h"
#include "runtime/weights/compile_weights.h"

namespace octet::runtime {

/// Chooses an implementation for each node, inserts conversions, and prepares the steps. `graph`
/// has been through the passes and is typed; the plan takes it over. Packed weights come from
/// `weights`.
Result<Plan> lower(std::shared_ptr<Graph> graph, const CompileOptions& options,
                   CompileWeights& weights);

}  // namespace octet::runtime
