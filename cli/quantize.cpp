#include "cli/quantize.h"

#include <iostream>
#include <utility>

#include "cli/calibration.h"
#include "cli/report_html.h"
#include "cli/samples.h"
#include "engine/ir/file_output.h"
#include "engine/passes/pass.h"
#include "engine/quant/named_options.h"
#include "importers/onnx/import.h"
#include "importers/onnx/write.h"
#include "runtime/threads/pool.h"
#include "speech/bundle.h"

namespace octet::cli::quantize {
namespace {

Result<quant::QuantizeOptions> options_of(const Arguments& arguments) {
  quant::QuantizeOptions options;
  const std::pair<const char*, std::string> given[] = {
      {"mode", arguments.mode},
      {"dynamic-scales", arguments.dynamic_scales},
      {"block-size", std::to_string(arguments.block_size)},
      {"format", arguments.format},
      {"calibrator", arguments.calibrator},
      {"activations", arguments.activations},
      {"states", arguments.states},
      {"cost-model", arguments.cost_model},
      {"algorithms", arguments.algorithms},
  };
  for (const auto& [name, word] : given)
    OCTET_RETURN_IF_ERROR(quant::set_option(options, name, word));
  options.exclude = arguments.exclude;
  return options;
}

// The samples of --calibration for a model; null where there are none.
Result<std::shared_ptr<const runtime::Samples>> samples_of(const Arguments& arguments,
                                                           const Graph& graph) {
  if (arguments.calibration.empty()) return std::shared_ptr<const runtime::Samples>();
  OCTET_ASSIGN(auto folder,
               SampleFolder::open(arguments.calibration, runtime::sample_inputs(graph)));
  return std::shared_ptr<const runtime::Samples>(std::make_shared<SampleFolder>(std::move(folder)));
}

Result<quant::Observations> observe(const Graph& graph, const Arguments& arguments,
                                    const Global& global) {
  OCTET_ASSIGN(const auto options, options_of(arguments));
  OCTET_ASSIGN(auto samples, samples_of(arguments, graph));
  OCTET_ASSIGN(const auto trials, trial_options(global));
  return quant::observe(graph, options, runtime::calibrate_on(std::move(samples), trials));
}

int write_observed(const Graph& graph, const Arguments& arguments, const Global& global) {
  const auto observations = observe(graph, arguments, global);
  if (!observations) return fail(observations.error());
  if (const auto status = write_observations(arguments.output, *observations); !status)
    return fail(status.error());
  std::cout << arguments.output << ": " << observations->values().size() << " values over "
            << observations->samples() << " samples\n";
  return kDone;
}

Result<quant::Report> quantized(const Model& model, const Arguments& arguments,
                                const Global& global) {
  OCTET_ASSIGN(const auto options, options_of(arguments));
  // Before what takes long: samples that can't be read and metrics that fail end it here.
  OCTET_ASSIGN(const auto samples, samples_of(arguments, *model.graph));
  OCTET_ASSIGN(const auto measures, measurements(arguments, model, samples, global));
  std::string layers;
  if (!arguments.ranges.empty()) {
    OCTET_ASSIGN(layers, read_text(arguments.ranges));
  }
  std::optional<quant::Observations> observations;
  if (!arguments.merge.empty()) {
    OCTET_ASSIGN(observations, read_observations(arguments.merge));
  }
  OCTET_ASSIGN(const auto trials, trial_options(global));
  quant::Calibration calibration;
  if (samples != nullptr) calibration.run = runtime::calibrate_on(samples, trials);
  calibration.observations = observations ? &*observations : nullptr;
  calibration.layers = layers;
  runtime::PoolParallel parallel(runtime::ThreadPool::process(),
                                 global.threads > 0 ? global.threads : runtime::usable_cores());
  calibration.parallel = &parallel;
  return quant::quantize(*model.graph, options, calibration, measures);
}

// Files that say what became of the model.
struct ReportFiles {
  explicit ReportFiles(const Arguments& arguments)
      : json(arguments.report),
        page(arguments.html),
        has_json(!arguments.report.empty()),
        has_page(!arguments.html.empty()) {}

  Status open() {
    if (has_json) OCTET_RETURN_IF_ERROR(json.open());
    return has_page ? page.open() : Status{};
  }
  Status write(const nlohmann::json& report) {
    if (has_json) {
      OCTET_RETURN_IF_ERROR(json.write(to_text(report)));
      OCTET_RETURN_IF_ERROR(json.sync());
    }
    if (!has_page) return {};
    OCTET_RETURN_IF_ERROR(page.write(report_page(report)));
    return page.sync();
  }
  Status commit() {
    if (has_json) OCTET_RETURN_IF_ERROR(json.commit());
    return has_page ? page.commit() : Status{};
  }

  FileOutput json;
  FileOutput page;
  bool has_json;
  bool has_page;
};

// Reports are on the disk before the model takes its name, and take theirs afterwards.
Result<uint64_t> write_all(const Arguments& arguments, const Model& model,
                           const quant::Report& report, ReportFiles& files) {
  uint64_t size = 0;
  WriteOptions options;
  options.short_names = true;
  options.written = [&](uint64_t bytes) {
    size = bytes;
    return files.write(to_json(report, arguments, bytes));
  };
  OCTET_RETURN_IF_ERROR(write_model(model, arguments.output, options));
  OCTET_RETURN_IF_ERROR(files.commit());
  return size;
}

// The float model as the quantizer takes it.
Result<Model> read_model(const Arguments& arguments) {
  OCTET_ASSIGN(const auto options, options_of(arguments));
  OCTET_ASSIGN(Model model, import_model(arguments.model));
  if (auto status = quant::check_excluded(*model.graph, options); !status)
    return std::move(status).error().in(arguments.model);
  if (auto status = run_passes(*model.graph, PassPhase::portable); !status)
    return std::move(status).error().in(arguments.model);
  return model;
}

int execute_observe_only(const Arguments& arguments, const Global& global) {
  if (const auto status = FileOutput(arguments.output).open(); !status) return fail(status.error());
  const auto model = read_model(arguments);
  return model ? write_observed(*model->graph, arguments, global) : fail(model.error());
}

int execute(const Arguments& arguments, const Global& global) {
  if (const std::string message = contradiction(arguments); !message.empty())
    return fail(kUsage, message);
  if (speech::is_bundle(arguments.model)) return quantize_bundle(arguments, global);
  if (arguments.observe_only) return execute_observe_only(arguments, global);
  const auto made = quantize_file(arguments, global);
  if (!made) return fail(made.error());
  if (global.json)
    std::cout << to_text(to_json(made->report, arguments, made->bytes));
  else
    print(made->report, arguments, made->bytes);
  return kDone;
}

void add_search_options(CLI::App& verb, Arguments& arguments) {
  verb.add_option(
      "--max-loss", arguments.max_loss,
      "The most that quantization may cost; nodes go back to float until it holds. "
      "Without --metric the least SQNR that every output keeps, in dB (30); with it, by "
      "how much the number may get worse (0.001)");
  verb.add_option("--metric", arguments.metric,
                  "A command that takes a model's path, at its end or for {}, and prints a number");
  verb.add_option("--better", arguments.better,
                  "Which way the metric points: higher or lower (default: found out)")
      ->check(CLI::IsMember({"higher", "lower"}));
  verb.add_option("--cost-model", arguments.cost_model,
                  "on: nodes that measure slower in integers stay in float; off (static)")
      ->check(CLI::IsMember({"on", "off"}));
}

}  // namespace

Result<Quantized> quantize_file(const Arguments& arguments, const Global& global) {
  // What can't be written fails now, not after an hour of calibration.
  ReportFiles files(arguments);
  OCTET_RETURN_IF_ERROR(files.open());
  OCTET_RETURN_IF_ERROR(FileOutput(arguments.output).open());
  OCTET_ASSIGN(const Model model, read_model(arguments));
  Quantized made;
  OCTET_ASSIGN(made.report, quantized(model, arguments, global));
  OCTET_RETURN_IF_ERROR(global.check_deadline());
  OCTET_ASSIGN(made.bytes, write_all(arguments, model, made.report, files));
  return made;
}

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("quantize", "Convert a float model to int8");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("MODEL", arguments->model, "An ONNX file, or a speech bundle: a folder")
      ->required();
  verb->add_option("-o,--output", arguments->output, "The file to write; of a bundle the folder")
      ->required();
  verb->add_option("--mode", arguments->mode, "dynamic, static, fp16 or int4")
      ->check(CLI::IsMember({"dynamic", "static", "fp16", "int4"}));
  verb->add_option("--dynamic-scales", arguments->dynamic_scales,
                   "Ranges of activations: row, a hint that octet alone reads, or tensor (dynamic)")
      ->check(CLI::IsMember({"row", "tensor"}));
  verb->add_option("--block-size", arguments->block_size, "Weights that share a scale (int4)")
      ->check(CLI::IsMember({16, 32, 64, 128}));
  verb->add_option("--format", arguments->format, "qdq or integer")
      ->check(CLI::IsMember({"qdq", "integer"}));
  verb->add_option("--calibrator", arguments->calibrator,
                   "How ranges follow from samples: minmax, moving, percentile, entropy or mse")
      ->check(CLI::IsMember({"minmax", "moving", "percentile", "entropy", "mse"}));
  verb->add_option("--calibration", arguments->calibration,
                   "A folder of samples; for a bundle, of recordings");
  verb->add_flag("--observe-only", arguments->observe_only,
                 "Write what calibration observed instead of a model, for --merge");
  verb->add_option("--merge", arguments->merge, "Files of --observe-only, observed elsewhere");
  verb->add_option("--ranges", arguments->ranges,
                   "Ranges and weight scales by layer, as quantization-aware tools export them");
  verb->add_option("--activations", arguments->activations, "Bits of activations: 8 or 16")
      ->check(CLI::IsMember({"8", "16"}));
  verb->add_option(
          "--states", arguments->states,
          "Bits of an int8 LSTM's or GRU's state: 16, or 8 by a hint that octet alone reads")
      ->check(CLI::IsMember({"8", "16"}));
  verb->add_option("--exclude", arguments->exclude, "A node that stays in float");
  verb->add_option("--algorithms", arguments->algorithms,
                   "default, none, or names with commas between (static)");
  add_search_options(*verb, *arguments);
  verb->add_option("--report", arguments->report, "Write what became of each node (JSON)");
  verb->add_option("--html", arguments->html, "Write the same as a page to look at");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::quantize
