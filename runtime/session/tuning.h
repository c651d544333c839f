#pragma once

#include <filesystem>
#include <span>

#include "engine/ir/graph.h"
#include "runtime/session/options.h"

namespace octet::runtime {

/// Runs a canonical graph at these inputs under our own kernels and under every other provider of
/// this build, node by node, and gives the nodes that another one runs at least a tenth faster:
/// none where the whole isn't faster for it. Only nodes with a name of their own are judged. `auto`
/// claims are float alone, so int8 results don't depend on it.
Result<NodeProviders> tune(const Graph& graph, const CompileOptions& options,
                           std::span<const Tensor> inputs);

/// Choices that write_choices wrote at `path` for this instruction set and number of threads; none
/// where there is no such file, or it is damaged.
NodeProviders read_choices(const std::filesystem::path& path, const CompileOptions& options);
Status write_choices(const std::filesystem::path& path, const CompileOptions& options,
                     const NodeProviders& choices);

}  // namespace octet::runtime
