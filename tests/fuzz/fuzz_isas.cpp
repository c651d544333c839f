// The same integer graph on every instruction set of this machine: the same bits.
#include <algorithm>

#include "importers/onnx/import.h"
#include "tests/fuzz/exercise.h"
#include "tests/fuzz/libfuzzer.h"

using namespace octet;

namespace {

// Operators whose results are integers, or follow from integers by the same float operations
// everywhere (docs/architecture.md).
bool is_exact(const Graph& graph) {
  constexpr std::string_view kExact[] = {
      "QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul",
      "ConvInteger",    "MatMulInteger",    "MaxPool",     "Relu",
      "Reshape",        "Transpose",        "Concat",      "Slice",
      "Gather",         "Identity",         "Pad",         "Clip",
      "Flatten",        "Squeeze",          "Unsqueeze",   "Split"};
  const auto order = graph.order();
  return std::all_of(order.begin(), order.end(), [&](NodeId id) {
    return std::find(std::begin(kExact), std::end(kExact), graph.node(id).op->name) !=
           std::end(kExact);
  });
}

// The results on one instruction set; nothing of it may be of one that it doesn't include.
Result<std::vector<Tensor>> run(const Graph& graph, const CpuToken& cpu, uint64_t seed) {
  runtime::CompileOptions options;
  options.provider = runtime::Provider::native;
  options.threads = 1;
  options.cpu = cpu;
  OCTET_ASSIGN(const auto program, runtime::Program::compile(graph.clone(), options));
  for (const auto& step : program->plan().steps)
    if (!cpu.allows(step.info.isa)) __builtin_trap();
  const auto inputs = fuzz::make_inputs(*program, seed);
  if (!inputs) return Error{ErrorCode::limit, "no inputs can be made"};
  return program->run(*inputs);
}

// Errors that depend on the time and the memory that a run takes.
bool is_bound(const Error& error) {
  return error.code == ErrorCode::deadline || error.code == ErrorCode::limit ||
         error.code == ErrorCode::machine;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BudgetScope scope(std::make_shared<MemoryBudget>(fuzz::kMemoryLimit));
  const fuzz::TimeLimit limit;
  const auto model = import_model(fuzz::as_bytes(data, size), fuzz::own_folder());
  if (!model || !is_exact(*model->graph)) return 0;
  const auto scalar = run(*model->graph, CpuToken::scalar(), size);
  if (!scalar && is_bound(scalar.error())) return 0;
  for (const CpuToken& cpu : fuzz::instruction_sets()) {
    const auto outputs = run(*model->graph, cpu, size);
    if (!outputs && is_bound(outputs.error())) return 0;
    if (outputs.ok() != scalar.ok() || (scalar && *outputs != *scalar)) __builtin_trap();
  }
  return 0;
}
