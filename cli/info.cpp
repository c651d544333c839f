#include "cli/info.h"

#include <iostream>

#include "cli/cli.h"
#include "cli/parts.h"
#include "engine/passes/pass.h"
#include "importers/onnx/hints.h"
#include "importers/onnx/import.h"
#include "runtime/session/program.h"

namespace octet::cli::info {
namespace {

struct Summary {
  std::map<std::string, size_t> operators;
  std::map<std::string, size_t> bytes_by_type;
  std::map<std::string, size_t> bytes_by_part;
  int64_t parameters = 0;
  size_t quantized_values = 0;
  Dim macs;
};

void summarize(const Graph& graph, Summary& summary) {
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    ++summary.operators[std::string(node.op->name)];
    if (node.op->macs != nullptr)
      if (const auto macs = node.op->macs(graph, node)) summary.macs = summary.macs + *macs;
    for (const auto& body : node.bodies) summarize(*body, summary);
  }
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id)) continue;
    const Value& value = graph.value(id);
    if (value.quant) ++summary.quantized_values;
    if (!value.constant) continue;
    summary.bytes_by_type[std::string(dtype_name(value.constant->dtype()))] +=
        value.constant->bytes().size();
    if (dtype_is_float(value.type.dtype) || value.quant)
      summary.parameters += static_cast<int64_t>(value.constant->count());
  }
}

nlohmann::json ports(const Graph& graph, const std::vector<ValueId>& ids) {
  nlohmann::json list = nlohmann::json::array();
  for (const ValueId id : ids)
    list.push_back({{"name", graph.value(id).name}, {"type", graph.value(id).type.to_string()}});
  return list;
}

// Entries of the metadata that are meant for octet alone.
onnx::Metadata hints_of(const Model& model) {
  onnx::Metadata hints;
  onnx::write_hints(*model.graph, hints);
  return hints;
}

// What would run where: steps a kernel, instruction set and provider.
Result<std::map<std::string, size_t>> placement(const std::shared_ptr<Graph>& graph,
                                                const Global& global) {
  OCTET_ASSIGN(const auto options, global.compile_options());
  OCTET_ASSIGN(const auto program, runtime::Program::compile(graph->clone(), options));
  std::map<std::string, size_t> steps;
  for (const auto& step : program->plan().steps)
    ++steps[step.info.kernel + " (" + step.info.provider + ", " +
            std::string(isa_name(step.info.isa)) + ")"];
  return steps;
}

Result<Summary> summary_of(const Graph& graph) {
  const auto shown = graph.clone();
  OCTET_RETURN_IF_ERROR(run_passes(*shown, PassPhase::portable));
  Summary summary;
  summarize(*shown, summary);
  summary.bytes_by_part = bytes_by_part(*shown);
  return summary;
}

int execute(const std::string& path, const Global& global) {
  auto model = import_model(path);
  if (!model) return fail(model.error());
  const Graph& graph = *model->graph;
  const auto made = summary_of(graph);
  if (!made) return fail(made.error());
  const Summary& summary = *made;
  const auto steps = placement(model->graph, global);
  if (!steps) return fail(Error(steps.error()).in(path));
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  const int opset = model->opsets.count("") > 0 ? model->opsets.at("") : 0;
  if (global.json) {
    std::cout << to_text({{"model", path},
                          {"ir_version", model->ir_version},
                          {"opset", opset},
                          {"producer", model->producer},
                          {"hints", hints_of(*model)},
                          {"inputs", ports(graph, graph.inputs)},
                          {"outputs", ports(graph, graph.outputs())},
                          {"operators", summary.operators},
                          {"parameters", summary.parameters},
                          {"macs", summary.macs.to_string()},
                          {"bytes_by_type", summary.bytes_by_type},
                          {"bytes_by_part", summary.bytes_by_part},
                          {"model_bytes", bytes},
                          {"steps", *steps}});
    return kDone;
  }
  std::cout << path << ": " << megabytes(static_cast<double>(bytes)) << ", IR " << model->ir_version
            << ", opset " << opset << ", by " << model->producer << "\n";
  for (const ValueId id : graph.inputs)
    std::cout << "  input  " << graph.value(id).name << " " << graph.value(id).type.to_string()
              << "\n";
  for (const ValueId id : graph.outputs())
    std::cout << "  output " << graph.value(id).name << " " << graph.value(id).type.to_string()
              << "\n";
  std::cout << "parameters: " << summary.parameters
            << "\nmultiply-accumulates: " << summary.macs.to_string() << "\n";
  for (const auto& [type, size] : summary.bytes_by_type)
    std::cout << "  " << type << ": " << megabytes(static_cast<double>(size)) << "\n";
  for (const auto& [key, value] : hints_of(*model))
    std::cout << "hint " << key << ": " << value << "\n";
  Table operators({"operator", "nodes"});
  for (const auto& [name, count] : summary.operators) operators.add({name, std::to_string(count)});
  operators.print();
  Table kernels({"kernel (provider, instruction set)", "steps"});
  for (const auto& [name, count] : *steps) kernels.add({name, std::to_string(count)});
  kernels.print();
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("info", "Describe a model and what would run where");
  auto path = std::make_shared<std::string>();
  verb->add_option("MODEL", *path, "An ONNX file")->required();
  verb->callback([path, &global, &exit_code] { exit_code = execute(*path, global); });
}

}  // namespace octet::cli::info

namespace octet::cli {

Result<WeightBytes> weight_bytes(const std::string& path) {
  OCTET_ASSIGN(const Model model, import_model(path));
  auto summary = info::summary_of(*model.graph);
  if (!summary) return std::move(summary).error().in(path);
  return WeightBytes{std::move(summary->bytes_by_type), std::move(summary->bytes_by_part)};
}

}  // namespace octet::cli
