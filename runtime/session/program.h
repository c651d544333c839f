#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/ir/mapped_file.h"
#include "runtime/session/binding.h"
#include "runtime/session/options.h"
#include "runtime/threads/pool.h"

namespace octet::runtime {

class CompileWeights;
class Execution;
struct RunMemory;

/// Where a result goes: the caller's memory when `data` is set (at least `capacity` bytes), else a
/// tensor that the run makes.
struct OutputTarget {
  std::byte* data = nullptr;
  size_t capacity = 0;
  Tensor tensor;
  Dims dims;  ///< Of the result, set by the run.
};

/// A compiled graph. Runs may be concurrent; each takes an execution (arena and views) from a pool.
class Program {
 public:
  /// Takes over a canonical graph (as imported): passes, lowering, preparing.
  static Result<std::shared_ptr<Program>> compile(std::shared_ptr<Graph> graph,
                                                  const CompileOptions& options);
  /// The same for a body of a graph that is being compiled with these weights.
  [[gnu::cold]] static Result<std::shared_ptr<Program>> compile_body(std::shared_ptr<Graph> graph,
                                                                     const CompileOptions& options,
                                                                     CompileWeights& weights);
  [[gnu::cold]] ~Program();

  const Plan& plan() const { return *plan_; }
  const CompileOptions& options() const { return options_; }
  /// Where tuning leaves its choices for the graph; empty without a cache folder.
  const std::filesystem::path& choices_path() const { return choices_path_; }
  /// Inputs that a run takes: graph inputs without a default, in order.
  const std::vector<ValueId>& inputs() const { return inputs_; }

  /// Runs on tensors of the logical dtypes, row-major. Results in the order of the graph's outputs.
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, const RunOptions& options = {});
  Status run(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
             const RunOptions& options);

 private:
  // Cold: what is done once a graph is compiled by its size among code that runs.
  [[gnu::cold]] static Result<std::shared_ptr<Program>> build(std::shared_ptr<Graph> graph,
                                                              const CompileOptions& options);
  [[gnu::cold]] explicit Program(const CompileOptions& options);
  /// What follows the passes.
  [[gnu::cold]] Status lower_graph(std::shared_ptr<Graph> graph, CompileWeights& weights);
  Status run_bound(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
                   const RunOptions& options);
  Status check_inputs(std::span<const Tensor> inputs) const;
  /// A binding and the executions of it that no run has taken.
  struct Bound {
    size_t hash;  ///< Of the input dims.
    std::shared_ptr<const Binding> binding;
    std::vector<std::unique_ptr<Execution>> idle;
  };
  using Bindings = std::list<Bound>;
  /// An execution for these inputs' dims, which are bound first if they weren't before; `hash` is
  /// theirs.
  Result<std::unique_ptr<Execution>> take(size_t hash, std::span<const Tensor> inputs);
  /// Null: the dims aren't bound. No execution: all are taken.
  std::pair<std::shared_ptr<const Binding>, std::unique_ptr<Execution>> take_bound(
      size_t hash, std::span<const Tensor> inputs);
  Result<std::shared_ptr<const Binding>> bind_inputs(size_t hash, std::span<const Tensor> inputs);
  void forget_oldest();
  void give(size_t hash, std::unique_ptr<Execution> execution);
  std::unique_ptr<RunMemory> take_memory();
  void give(std::unique_ptr<RunMemory> memory);

  CompileOptions options_;
  std::shared_ptr<const Plan> plan_;
  std::vector<ValueId> inputs_;
  std::filesystem::path choices_path_;
  size_t width_ = 1;
  std::unique_ptr<PoolParallel> parallel_;
  std::vector<std::shared_ptr<const MappedFile>> files_;  ///< In which constants lie.

  std::mutex mutex_;
  Bindings bindings_;  // most recent first
  std::unordered_multimap<size_t, Bindings::iterator> by_hash_;
  std::unique_ptr<Execution> spare_;  // of a binding that was dropped
  std::vector<std::unique_ptr<RunMemory>> idle_memory_;
};

}  // namespace octet::runtime
