#include "runtime/session/program.h"

#include <algorithm>

#include "engine/ir/bools.h"
#include "engine/ir/log.h"
#include "engine/ops/op.h"
#include "engine/passes/independent_extents.h"
#include "engine/passes/pass.h"
#include "runtime/session/execution.h"
#include "runtime/session/lower.h"
#include "runtime/session/own_constants.h"
#include "runtime/session/tuning.h"

namespace octet::runtime {
namespace {

constexpr int kMaxExpansions = 100000;

// FNV-1a over the extents of each input, and where they end.
size_t hash_of_dims(std::span<const Tensor> inputs) {
  uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&hash](uint64_t word) { hash = (hash ^ word) * 0x100000001b3U; };
  for (const Tensor& input : inputs) {
    for (const int64_t dim : input.dims()) add(static_cast<uint64_t>(dim));
    add(UINT64_MAX);
  }
  return static_cast<size_t>(hash);
}

// Functions without a kernel become their bodies.
Status expand_functions(Graph& graph) {
  const auto expands = [&](NodeId id) {
    const OpDef& op = *graph.node(id).op;
    return op.implementations.empty() && op.expand != nullptr;
  };
  const auto nodes = graph.order();
  if (std::none_of(nodes.begin(), nodes.end(), expands)) return {};
  OCTET_RETURN_IF_ERROR(infer_graph(graph));
  int expanded = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (const NodeId id : graph.order()) {
      if (!expands(id)) continue;
      const Node& node = graph.node(id);
      if (++expanded > kMaxExpansions)
        return Error{ErrorCode::limit, "functions expand to too many nodes"};
      const std::string label = node.label();
      if (auto status = node.op->expand(graph, id); !status)
        return std::move(status).error().in(label);
      changed = true;
    }
    if (changed) OCTET_RETURN_IF_ERROR(infer_graph(graph));
  }
  return {};
}

// Whether all bools of a tensor or a list are 0 or 1.
bool bools_are_values(const Tensor& tensor) {
  if (tensor.is_list()) {
    const auto& elements = tensor.elements();
    return std::all_of(elements.begin(), elements.end(), bools_are_values);
  }
  return tensor.dtype() != DType::boolean || are_bools(tensor.bytes());
}

}  // namespace

Program::~Program() = default;

Result<std::shared_ptr<Program>> Program::compile(std::shared_ptr<Graph> graph,
                                                  const CompileOptions& options) {
  const BudgetScope scope(options.memory);
  return catch_memory_errors([&] { return build(std::move(graph), options); });
}

namespace {

[[gnu::cold]] Status run_all_passes(Graph& graph, const CompileOptions& options, bool body) {
  PassOptions pass_options;
  pass_options.body = body;
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id)) continue;
    const auto& keep = options.keep;
    if (std::find(keep.begin(), keep.end(), graph.value(id).name) != keep.end())
      pass_options.keep.push_back(id);
  }
  OCTET_RETURN_IF_ERROR(expand_functions(graph));
  if (!options.fuse) return infer_graph(graph);
  OCTET_RETURN_IF_ERROR(run_passes(graph, PassPhase::portable, pass_options));
  return run_passes(graph, PassPhase::fusion, pass_options);
}

}  // namespace

Program::Program(const CompileOptions& options)
    : options_(options), width_(options.threads == 0 ? usable_cores() : options.threads) {
  ThreadPool& pool = ThreadPool::process();
  pool.ensure_workers(width_ - 1);
  parallel_ = std::make_unique<PoolParallel>(pool, width_);
}

Result<std::shared_ptr<Program>> Program::build(std::shared_ptr<Graph> graph,
                                                const CompileOptions& options) {
  std::shared_ptr<Program> program(new Program(options));
  const std::shared_ptr<Graph> held = graph;
  const IndependentExtents extents(*held);
  OCTET_RETURN_IF_ERROR(run_all_passes(*graph, options, false));
  CompileWeights weights(options.cache);
  OCTET_RETURN_IF_ERROR(weights.begin(*graph, *program->parallel_));
  program->choices_path_ = weights.companion(".choices");
  if (options.provider == Provider::automatic && !options.choices)
    program->options_.choices = read_choices(program->choices_path_, options);
  OCTET_RETURN_IF_ERROR(program->lower_graph(std::move(graph), weights));
  OCTET_RETURN_IF_ERROR(weights.finish());
  return program;
}

Result<std::shared_ptr<Program>> Program::compile_body(std::shared_ptr<Graph> graph,
                                                       const CompileOptions& options,
                                                       CompileWeights& weights) {
  std::shared_ptr<Program> program(new Program(options));
  OCTET_RETURN_IF_ERROR(run_all_passes(*graph, options, true));
  OCTET_RETURN_IF_ERROR(program->lower_graph(std::move(graph), weights));
  return program;
}

Status Program::lower_graph(std::shared_ptr<Graph> graph, CompileWeights& weights) {
  OCTET_ASSIGN(Plan plan, lower(std::move(graph), options_, weights));
  OCTET_ASSIGN(files_, own_constants(plan, weights));
  plan.unbound = unbound_slots(plan);
  plan_ = std::make_shared<const Plan>(std::move(plan));
  for (size_t i = 0; i < plan_->inputs.size(); ++i)
    if (plan_->inputs[i] != kNoSlot) inputs_.push_back(plan_->graph->inputs[i]);
  return {};
}

Status Program::check_inputs(std::span<const Tensor> inputs) const {
  if (inputs.size() != inputs_.size())
    return invalid_data("the model takes {} inputs, not {}", inputs_.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = plan_->graph->value(inputs_[i]);
    if (value.type.kind != Type::Kind::tensor && !conforms(inputs[i], value.type))
      return invalid_data("input '{}' is no {}", value.name, value.type.to_string());
    if (inputs[i].dtype() != value.type.dtype)
      return invalid_data("input '{}' is {}, the model has {}", value.name,
                          dtype_name(inputs[i].dtype()), dtype_name(value.type.dtype));
    if (!bools_are_values(inputs[i]))
      return invalid_data("input '{}' has a bool that is neither 0 nor 1", value.name);
  }
  return {};
}

std::pair<std::shared_ptr<const Binding>, std::unique_ptr<Execution>> Program::take_bound(
    size_t hash, std::span<const Tensor> inputs) {
  const auto has_dims = [](const Tensor& input, const Dims& dims) { return input.dims() == dims; };
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    Bound& bound = *at->second;
    const auto& dims = bound.binding->input_dims;
    if (!std::equal(inputs.begin(), inputs.end(), dims.begin(), dims.end(), has_dims)) continue;
    bindings_.splice(bindings_.begin(), bindings_, at->second);
    std::unique_ptr<Execution> execution;
    if (!bound.idle.empty()) {
      execution = std::move(bound.idle.back());
      bound.idle.pop_back();
    }
    return {bound.binding, std::move(execution)};
  }
  return {};
}

Result<std::shared_ptr<const Binding>> Program::bind_inputs(size_t hash,
                                                            std::span<const Tensor> inputs) {
  std::vector<Dims> input_dims;
  for (const Tensor& input : inputs) input_dims.push_back(input.dims());
  OCTET_ASSIGN(auto made, bind(plan_, std::move(input_dims), width_, options_.share_small));
  log::lazily(log::Level::trace, [&] {
    std::string text = "a binding for";
    for (const Dims& dims : made->input_dims) text += " " + to_string(to_shape(dims));
    return text + ": arena " + std::to_string(made->arena_bytes) + " bytes, scratch " +
           std::to_string(made->scratch_bytes) + " bytes";
  });
  const std::lock_guard lock(mutex_);
  bindings_.push_front({hash, made, {}});
  by_hash_.emplace(hash, bindings_.begin());
  while (bindings_.size() > std::max<size_t>(options_.cached_bindings, 1)) forget_oldest();
  return made;
}

// One of its executions waits for dims that are new.
void Program::forget_oldest() {
  log::lazily(log::Level::trace, [] { return std::string("the oldest binding is dropped"); });
  const auto oldest = std::prev(bindings_.end());
  if (!oldest->idle.empty()) spare_ = std::move(oldest->idle.back());
  const auto [begin, end] = by_hash_.equal_range(oldest->hash);
  const auto at = std::find_if(begin, end, [&](const auto& one) { return one.second == oldest; });
  if (at != end) by_hash_.erase(at);
  bindings_.pop_back();
}

Result<std::unique_ptr<Execution>> Program::take(size_t hash, std::span<const Tensor> inputs) {
  auto [binding, execution] = take_bound(hash, inputs);
  if (execution != nullptr) return std::move(execution);
  if (binding == nullptr) {
    OCTET_ASSIGN(binding, bind_inputs(hash, inputs));
  }
  {
    const std::lock_guard lock(mutex_);
    execution = std::move(spare_);
  }
  if (execution == nullptr) return std::make_unique<Execution>(binding, *parallel_, options_);
  execution->rebind(binding);
  return std::move(execution);
}

void Program::give(size_t hash, std::unique_ptr<Execution> execution) {
  const auto& binding = execution->binding();
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = by_hash_.equal_range(hash);
  const auto known =
      std::find_if(begin, end, [&](const auto& at) { return at.second->binding == binding; });
  if (known != end)
    known->second->idle.push_back(std::move(execution));
  else
    spare_ = std::move(execution);
}

std::unique_ptr<RunMemory> Program::take_memory() {
  const std::lock_guard lock(mutex_);
  if (idle_memory_.empty()) return std::make_unique<RunMemory>();
  auto memory = std::move(idle_memory_.back());
  idle_memory_.pop_back();
  return memory;
}

void Program::give(std::unique_ptr<RunMemory> memory) {
  const std::lock_guard lock(mutex_);
  idle_memory_.push_back(std::move(memory));
}

Status Program::run(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
                    const RunOptions& options) {
  const BudgetScope scope(options_.memory);
  return catch_memory_errors([&] { return run_bound(inputs, outputs, options); });
}

Status Program::run_bound(std::span<const Tensor> inputs, std::span<OutputTarget> outputs,
                          const RunOptions& options) {
  OCTET_RETURN_IF_ERROR(check_inputs(inputs));
  const size_t hash = hash_of_dims(inputs);
  OCTET_ASSIGN(auto execution, take(hash, inputs));
  auto memory = take_memory();
  if (execution->binding()->wide) parallel_->rouse();
  auto status = execution->run(*memory, inputs, outputs, options);
  give(hash, std::move(execution));
  give(std::move(memory));
  for (const auto& file : files_) OCTET_RETURN_IF_ERROR(file->intact());
  return status;
}

Result<std::vector<Tensor>> Program::run(std::span<const Tensor> inputs,
                                         const RunOptions& options) {
  std::vector<OutputTarget> targets(plan_->outputs.size());
  OCTET_RETURN_IF_ERROR(run(inputs, targets, options));
  std::vector<Tensor> outputs;
  outputs.reserve(targets.size());
  for (OutputTarget& target : targets) outputs.push_back(std::move(target.tensor));
  return outputs;
}

}  // namespace octet::runtime
