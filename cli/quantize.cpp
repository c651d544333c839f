#include "engine/quant/quantize.h"

#include <unistd.h>

#include <iostream>
#include <set>

#include "cli/cli.h"
#include "cli/samples.h"
#include "engine/passes/pass.h"
#include "importers/onnx/file_output.h"
#include "importers/onnx/import.h"
#include "importers/onnx/write.h"
#include "runtime/session/program.h"

namespace octet::cli::quantize {
namespace {

struct Arguments {
  std::string model;
  std::string output;
  std::string mode = "static";
  std::string format = "qdq";
  quant::Calibrator calibrator = quant::Calibrator::minmax;
  int64_t block_size = 64;
  std::string calibration;
  std::vector<std::string> exclude;
  std::string report;
};

void progress(size_t done, size_t all) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\rcalibrating " << done << "/" << all << (done == all ? "\n" : "") << std::flush;
}

// The calibration runs: the float model, every value of it observed, one sample at a time.
quant::Calibrate calibration(const std::string& folder, const Global& global) {
  return [&folder, &global](const Graph& graph, const quant::ValueSink& sink) -> Result<size_t> {
    OCTET_ASSIGN(auto options, global.compile_options());
    options.fuse = false;
    options.cached_bindings = 1;
    OCTET_ASSIGN(const auto program, runtime::Program::compile(graph.clone(), options));
    std::vector<std::string> names;
    for (const ValueId id : program->inputs()) names.push_back(graph.value(id).name);
    OCTET_ASSIGN(const auto samples, SampleFolder::open(folder, names));
    runtime::RunOptions run = global.run_options();
    Status seen;
    run.observer = [&](std::string_view name, const TensorView& view) {
      if (seen.ok()) seen = sink(name, view);
    };
    for (size_t i = 0; i < samples.size(); ++i) {
      OCTET_ASSIGN(const auto inputs, samples.read(i));
      auto outputs = program->run(inputs, run);
      if (!outputs) return std::move(outputs).error().in(samples.path(i).string());
      if (!seen) return std::move(seen).error().in(samples.path(i).string());
      progress(i + 1, samples.size());
    }
    return samples.size();
  };
}

constexpr std::pair<const char*, quant::Calibrator> kCalibrators[] = {
    {"minmax", quant::Calibrator::minmax},
    {"moving", quant::Calibrator::moving},
    {"percentile", quant::Calibrator::percentile},
    {"entropy", quant::Calibrator::entropy},
    {"mse", quant::Calibrator::mse},
};

nlohmann::json to_json(const quant::Report& report, const Arguments& arguments) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const auto& row : report.nodes)
    nodes.push_back(
        {{"node", row.node}, {"op", row.op}, {"outcome", row.outcome}, {"reason", row.reason}});
  return {{"model", arguments.model},
          {"mode", arguments.mode},
          {"format", arguments.format},
          {"samples", report.samples},
          {"nodes", nodes}};
}

void print(const quant::Report& report, const Arguments& arguments) {
  size_t smaller = 0;
  for (const auto& row : report.nodes) smaller += row.outcome == "float" ? 0 : 1;
  const bool stored = arguments.mode == "fp16" || arguments.mode == "int4";
  std::error_code ignored;
  const auto before = std::filesystem::file_size(arguments.model, ignored);
  const auto after = std::filesystem::file_size(arguments.output, ignored);
  std::cout << arguments.output << ": " << smaller << " of " << report.nodes.size()
            << (stored ? " weights in " + arguments.mode : " arithmetic nodes in int8") << ", "
            << megabytes(static_cast<double>(before)) << " -> "
            << megabytes(static_cast<double>(after)) << "\n";
  for (const auto& row : report.nodes)
    if (row.outcome == "float")
      std::cout << "  float: " << row.op << " '" << row.node << "': " << row.reason << "\n";
}

quant::Mode mode_of(const std::string& name) {
  if (name == "dynamic") return quant::Mode::dynamic;
  if (name == "fp16") return quant::Mode::fp16;
  return name == "int4" ? quant::Mode::int4 : quant::Mode::statically;
}

Status check_excluded(const Graph& graph, const std::vector<std::string>& names) {
  std::set<std::string, std::less<>> present;
  for (const NodeId id : graph.order()) present.insert(graph.node(id).name);
  for (const std::string& name : names)
    if (!present.contains(name))
      return Error{ErrorCode::invalid_argument, "--exclude: the model has no node '" + name + "'"};
  return {};
}

int execute(const Arguments& arguments, const Global& global) {
  quant::QuantizeOptions options;
  options.mode = mode_of(arguments.mode);
  options.block_size = arguments.block_size;
  options.format = arguments.format == "integer" ? quant::Format::integer : quant::Format::qdq;
  options.calibrator.calibrator = arguments.calibrator;
  options.exclude = arguments.exclude;
  if (options.mode == quant::Mode::statically && arguments.calibration.empty())
    return fail(kUsage, "--mode static needs --calibration FOLDER");
  // What can't be written fails now, not after an hour of calibration.
  onnx::FileOutput report_file(arguments.report);
  if (!arguments.report.empty())
    if (const auto status = report_file.open(); !status) return fail(status.error());
  if (const auto status = onnx::FileOutput(arguments.output).open(); !status)
    return fail(status.error());
  auto model = import_model(arguments.model);
  if (!model) return fail(model.error());
  if (const auto status = check_excluded(*model->graph, arguments.exclude); !status)
    return fail(Error(status.error()).in(arguments.model));
  if (const auto status = run_passes(*model->graph, PassPhase::portable); !status)
    return fail(Error(status.error()).in(arguments.model));
  const auto report =
      quant::quantize(*model->graph, options, {calibration(arguments.calibration, global)});
  if (!report) return fail(report.error());
  if (const auto status = global.check_deadline(); !status) return fail(status.error());
  // The report is on the disk before the model takes its name, and takes its own afterwards.
  if (!arguments.report.empty()) {
    auto status = report_file.write(to_text(to_json(*report, arguments)));
    if (status) status = report_file.sync();
    if (!status) return fail(status.error());
  }
  if (const auto status = write_model(*model, arguments.output, {}); !status)
    return fail(status.error());
  if (!arguments.report.empty())
    if (const auto status = report_file.commit(); !status) return fail(status.error());
  if (global.json)
    std::cout << to_text(to_json(*report, arguments));
  else
    print(*report, arguments);
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("quantize", "Convert a float model to int8");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("MODEL", arguments->model, "An ONNX file")->required();
  verb->add_option("-o,--output", arguments->output, "The file to write")->required();
  verb->add_option("--mode", arguments->mode, "dynamic, static, fp16 or int4")
      ->check(CLI::IsMember({"dynamic", "static", "fp16", "int4"}));
  verb->add_option("--block-size", arguments->block_size, "Weights that share a scale (int4)")
      ->check(CLI::IsMember({16, 32, 64, 128}));
  verb->add_option("--format", arguments->format, "qdq or integer")
      ->check(CLI::IsMember({"qdq", "integer"}));
  verb->add_option("--calibrator", arguments->calibrator,
                   "How ranges follow from the samples: minmax, moving, percentile, entropy or mse")
      ->transform(CLI::CheckedTransformer(std::vector<std::pair<std::string, quant::Calibrator>>(
                                              std::begin(kCalibrators), std::end(kCalibrators)))
                      .description(""));
  verb->add_option("--calibration", arguments->calibration, "A folder of samples");
  verb->add_option("--exclude", arguments->exclude, "A node that stays in float");
  verb->add_option("--report", arguments->report, "Write what became of each node (JSON)");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::quantize
