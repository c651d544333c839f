#include "engine/quant/quantize.h"

#include <algorithm>
#include <iostream>
#include <set>

#include "cli/calibration.h"
#include "cli/cli.h"
#include "engine/passes/pass.h"
#include "importers/onnx/file_output.h"
#include "importers/onnx/import.h"
#include "importers/onnx/write.h"
#include "runtime/threads/pool.h"

namespace octet::cli::quantize {
namespace {

struct Arguments {
  std::string model;
  std::string output;
  std::string mode = "static";
  std::string format = "qdq";
  int64_t block_size = 64;
  std::string calibrator = "minmax";
  std::string calibration;
  bool observe_only = false;
  std::vector<std::string> merge;
  std::string ranges;
  std::string activations = "8";
  std::vector<std::string> exclude;
  std::string report;
  std::string algorithms = "default";
};

struct CalibratorName {
  const char* name;
  quant::Calibrator calibrator;
};
constexpr CalibratorName kCalibrators[] = {
    {"minmax", quant::Calibrator::minmax},
    {"moving", quant::Calibrator::moving},
    {"percentile", quant::Calibrator::percentile},
    {"entropy", quant::Calibrator::entropy},
    {"mse", quant::Calibrator::mse},
};

std::set<std::string> calibrator_names() {
  std::set<std::string> names;
  for (const auto& row : kCalibrators) names.insert(row.name);
  return names;
}

quant::Calibrator calibrator_of(const std::string& name) {
  const auto* row = std::find_if(std::begin(kCalibrators), std::end(kCalibrators),
                                 [&](const CalibratorName& each) { return each.name == name; });
  return row == std::end(kCalibrators) ? quant::Calibrator::minmax : row->calibrator;
}

nlohmann::json to_json(const quant::Report& report, const Arguments& arguments) {
  nlohmann::json nodes = nlohmann::json::array();
  for (const auto& row : report.nodes)
    nodes.push_back(
        {{"node", row.node}, {"op", row.op}, {"outcome", row.outcome}, {"reason", row.reason}});
  return {{"model", arguments.model},        {"mode", arguments.mode},
          {"format", arguments.format},      {"samples", report.samples},
          {"algorithms", report.algorithms}, {"nodes", nodes}};
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

DType activation_codes(const std::string& name) { return name == "16" ? DType::s16 : DType::u8; }

quant::QuantizeOptions options_of(const Arguments& arguments) {
  quant::QuantizeOptions options;
  options.mode = mode_of(arguments.mode);
  options.block_size = arguments.block_size;
  options.format = arguments.format == "integer" ? quant::Format::integer : quant::Format::qdq;
  options.calibrator.calibrator = calibrator_of(arguments.calibrator);
  options.activations = activation_codes(arguments.activations);
  options.exclude = arguments.exclude;
  if (arguments.algorithms != "default")
    options.algorithms = arguments.algorithms == "none"
                             ? std::vector<std::string>()
                             : CLI::detail::split(arguments.algorithms, ',');
  return options;
}

// What is wrong with the arguments together; empty when nothing is.
std::string contradiction(const Arguments& arguments) {
  const bool statically = arguments.mode == "static";
  if (!statically &&
      (arguments.observe_only || !arguments.merge.empty() || !arguments.ranges.empty()))
    return "--observe-only, --merge and --ranges are for --mode static";
  if (!arguments.merge.empty() && (arguments.observe_only || !arguments.calibration.empty()))
    return "--merge takes observations instead of --calibration";
  if (arguments.observe_only && arguments.calibration.empty())
    return "--observe-only needs --calibration FOLDER";
  return {};
}

int observe(const Graph& graph, const Arguments& arguments, const Global& global) {
  const auto observations =
      quant::observe(graph, options_of(arguments), calibrate_on(arguments.calibration, global));
  if (!observations) return fail(observations.error());
  if (const auto status = write_observations(arguments.output, *observations); !status)
    return fail(status.error());
  std::cout << arguments.output << ": " << observations->values().size() << " values over "
            << observations->samples() << " samples\n";
  return kDone;
}

Result<quant::Report> quantized(Graph& graph, const Arguments& arguments, const Global& global) {
  std::string layers;
  if (!arguments.ranges.empty()) {
    OCTET_ASSIGN(layers, read_text(arguments.ranges));
  }
  std::optional<quant::Observations> observations;
  if (!arguments.merge.empty()) {
    OCTET_ASSIGN(observations, read_observations(arguments.merge));
  }
  quant::Calibration calibration;
  if (!arguments.calibration.empty()) calibration.run = calibrate_on(arguments.calibration, global);
  calibration.observations = observations ? &*observations : nullptr;
  calibration.layers = layers;
  runtime::PoolParallel parallel(runtime::ThreadPool::process(),
                                 global.threads > 0 ? global.threads : runtime::usable_cores());
  calibration.parallel = &parallel;
  return quant::quantize(graph, options_of(arguments), calibration);
}

Status check_excluded(const Graph& graph, const std::vector<std::string>& names) {
  std::set<std::string, std::less<>> present;
  for (const NodeId id : graph.order()) present.insert(graph.node(id).name);
  for (const std::string& name : names)
    if (!present.contains(name))
      return Error{ErrorCode::invalid_argument, "--exclude: the model has no node '" + name + "'"};
  return {};
}

// The report is on the disk before the model takes its name, and takes its own afterwards.
Status write_all(const Arguments& arguments, const Model& model, const quant::Report& report,
                 onnx::FileOutput& report_file) {
  const bool reported = !arguments.report.empty();
  if (reported) {
    OCTET_RETURN_IF_ERROR(report_file.write(to_text(to_json(report, arguments))));
    OCTET_RETURN_IF_ERROR(report_file.sync());
  }
  OCTET_RETURN_IF_ERROR(write_model(model, arguments.output, {}));
  return reported ? report_file.commit() : Status{};
}

int execute(const Arguments& arguments, const Global& global) {
  if (const std::string message = contradiction(arguments); !message.empty())
    return fail(kUsage, message);
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
  if (arguments.observe_only) return observe(*model->graph, arguments, global);
  const auto report = quantized(*model->graph, arguments, global);
  if (!report) return fail(report.error());
  if (const auto status = global.check_deadline(); !status) return fail(status.error());
  if (const auto status = write_all(arguments, *model, *report, report_file); !status)
    return fail(status.error());
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
                   "How ranges follow from samples: minmax, moving, percentile, entropy or mse")
      ->check(CLI::IsMember(calibrator_names()));
  verb->add_option("--calibration", arguments->calibration, "A folder of samples");
  verb->add_flag("--observe-only", arguments->observe_only,
                 "Write what calibration observed instead of a model, for --merge");
  verb->add_option("--merge", arguments->merge, "Files of --observe-only, instead of samples");
  verb->add_option("--ranges", arguments->ranges,
                   "Ranges and weight scales by layer, as quantization-aware tools export them");
  verb->add_option("--activations", arguments->activations, "Bits of activations: 8 or 16")
      ->check(CLI::IsMember({"8", "16"}));
  verb->add_option("--exclude", arguments->exclude, "A node that stays in float");
  verb->add_option("--algorithms", arguments->algorithms,
                   "default, none, or names with commas between (static)");
  verb->add_option("--report", arguments->report, "Write what became of each node (JSON)");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::quantize
