#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "cli/bench_page.h"
#include "cli/benchmark.h"
#include "cli/calibration.h"
#include "cli/compare.h"
#include "cli/info.h"
#include "engine/ir/file_output.h"

namespace octet::cli::report {
namespace {

struct Arguments {
  std::vector<std::string> models;
  std::string output;
  std::vector<std::string> shapes;
  std::vector<std::string> sweeps;
  double seconds = 0.5;
  std::string samples;
  std::string peers;
  std::string rows;
};

class Progress {
 public:
  explicit Progress(size_t all) : all_(all) {}
  void step() {
    ++done_;
    if (isatty(STDERR_FILENO) != 0)
      std::cerr << "\rmeasured " << done_ << "/" << all_ << (done_ == all_ ? "\n" : "")
                << std::flush;
  }

 private:
  size_t all_;
  size_t done_ = 0;
};

// Rows of a file, a list of objects; nothing without a file.
Result<nlohmann::json> read_rows(const std::string& path) {
  if (path.empty()) return nlohmann::json::array();
  OCTET_ASSIGN(const std::string text, read_text(path));
  auto rows = nlohmann::json::parse(text, nullptr, false);
  const bool objects =
      rows.is_array() && std::all_of(rows.begin(), rows.end(), [](const auto& row) {
        return row.is_object() && row.contains("p50_ms");
      });
  if (!objects)
    return invalid_data(path + ": is no list of rows as octet bench --json writes them");
  return rows;
}

Result<ModelReport> measure(const std::string& model, const Arguments& arguments,
                            const BenchSettings& settings, const Global& global,
                            Progress& progress) {
  ModelReport made;
  made.name = std::filesystem::path(model).filename().string();
  for (const BenchPoint& point : settings.points) {
    auto* steps = made.rows.empty() ? &made.steps : nullptr;
    OCTET_ASSIGN(auto row, bench_point(model, point, settings, global, steps));
    made.rows.push_back(std::move(row));
    progress.step();
  }
  OCTET_ASSIGN(made.bytes, weight_bytes(model));
  if (arguments.samples.empty() || model == arguments.models[0]) return made;
  OCTET_ASSIGN(made.accuracy,
               compare_models(arguments.models[0], model, arguments.samples, global));
  return made;
}

Result<std::string> measured_page(const Arguments& arguments, const nlohmann::json& peers,
                                  const Global& global) {
  OCTET_ASSIGN(auto points, bench_points(arguments.shapes, arguments.sweeps));
  const BenchSettings settings{std::move(points), "", arguments.seconds};
  Progress progress(arguments.models.size() * settings.points.size());
  std::vector<ModelReport> models;
  for (const std::string& model : arguments.models) {
    OCTET_ASSIGN(auto made, measure(model, arguments, settings, global, progress));
    models.push_back(std::move(made));
  }
  return bench_page(models, peers);
}

Status write(const Arguments& arguments, const Global& global) {
  // What can't be written or read fails before what takes long.
  FileOutput file(arguments.output);
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_ASSIGN(const auto peers, read_rows(arguments.peers));
  OCTET_ASSIGN(const auto rows, read_rows(arguments.rows));
  if (rows.empty() && arguments.models.empty()) return invalid_data(arguments.rows + ": no rows");
  OCTET_ASSIGN(const std::string page,
               rows.empty() ? measured_page(arguments, peers, global) : overview_page(rows));
  OCTET_RETURN_IF_ERROR(file.write(page));
  OCTET_RETURN_IF_ERROR(file.sync());
  return file.commit();
}

int execute(const Arguments& arguments, const Global& global) {
  if (const auto status = write(arguments, global); !status) return fail(status.error());
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("report", "Measure models and write a page about them");
  auto arguments = std::make_shared<Arguments>();
  auto* models = verb->add_option("MODEL", arguments->models,
                                  "ONNX files; the first is the others' reference");
  verb->add_option(
          "--rows", arguments->rows,
          "In place of models, rows of many (JSON), as octet bench --json writes them, with "
          "\"title\" and \"form\": a page over all of them")
      ->excludes(models);
  verb->add_option("-o,--output", arguments->output, "The page to write")->required();
  verb->add_option("--shape", arguments->shapes, "NAME=1x803x80: extents of an input");
  verb->add_option("--sweep", arguments->sweeps, "As octet bench takes it; a plot each");
  verb->add_option("--seconds", arguments->seconds, "Time to measure for each point");
  verb->add_option("--samples", arguments->samples,
                   "A folder of samples: shows the accuracy of each layer");
  verb->add_option(
      "--peers", arguments->peers,
      "Rows of other engines (JSON), as octet bench --json writes them, with \"engine\"");
  verb->callback([arguments, &global, &exit_code] {
    if (arguments->models.empty() && arguments->rows.empty())
      throw CLI::RequiredError("MODEL or --rows");
    exit_code = execute(*arguments, global);
  });
}

}  // namespace octet::cli::report
