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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const BudgetScope scope(std::make_shared<MemoryBudget>(fuzz::kMemoryLimit));
  const fuzz::TimeLimit limit;
  const auto model = import_model(fuzz::as_bytes(data, size), fuzz::own_folder());
  if (!model || !is_exact(*model->graph)) return 0;
  std::vector<Tensor> first;
  bool ran = false;
  for (const CpuToken& cpu : fuzz::instruction_sets()) {
    runtime::CompileOptions options;
    options.provider = runtime::Provider::native;
    options.threads = 1;
    options.cpu = cpu;
    const auto program = runtime::Program::compile(model->graph->clone(), options);
    if (!program) return 0;
    const auto inputs = fuzz::make_inputs(**program, size);
    if (!inputs) return 0;
    auto outputs = (*program)->run(*inputs);
    if (!outputs) return 0;
    if (ran && *outputs != first) __builtin_trap();
    first = std::move(*outputs);
    ran = true;
  }
  return 0;
}
