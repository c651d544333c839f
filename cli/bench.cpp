#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "cli/benchmark.h"

namespace octet::cli::bench {
namespace {

struct Arguments {
  std::vector<std::string> models;
  std::vector<std::string> shapes;
  std::vector<std::string> sweeps;
  std::string inputs;
  double seconds = 1.0;
};

void progress(size_t done, size_t all) {
  if (all > 1 && isatty(STDERR_FILENO) != 0)
    std::cerr << "\rmeasured " << done << "/" << all << (done == all ? "\n" : "") << std::flush;
}

std::vector<std::string> table_row(const nlohmann::json& row) {
  const double p50 = row["p50_ms"];
  return {std::filesystem::path(row["model"].get<std::string>()).filename().string(),
          row.value("at", ""),
          fixed(p50, 3),
          fixed(row["p90_ms"], 3),
          fixed(row["p99_ms"], 3),
          fixed(row["macs"].get<double>() / p50 / 1e6, 2),
          row["joules"].is_null() ? "not measured" : fixed(1e3 * row["joules"].get<double>(), 3),
          fixed(row["load_ms"], 1),
          megabytes(row["peak_rss_bytes"]),
          megabytes(row["model_bytes"])};
}

int execute(const Arguments& arguments, const Global& global) {
  auto points = bench_points(arguments.shapes, arguments.sweeps);
  if (!points) return fail(points.error());
  const BenchSettings settings{std::move(*points), arguments.inputs, arguments.seconds};
  const size_t all = arguments.models.size() * settings.points.size();
  nlohmann::json rows = nlohmann::json::array();
  Table table({"model", "at", "p50 ms", "p90 ms", "p99 ms", "G MAC/s", "mJ a run", "load ms",
               "peak", "size"});
  for (const std::string& model : arguments.models) {
    for (const BenchPoint& point : settings.points) {
      auto row = bench_point(model, point, settings, global);
      if (!row) return fail(row.error());
      table.add(table_row(*row));
      rows.push_back(std::move(*row));
      progress(rows.size(), all);
    }
  }
  if (global.json)
    std::cout << to_text(rows.size() == 1 ? rows[0] : rows);
  else
    table.print();
  return kDone;
}

}  // namespace

void add(CLI::App& app, Global& global, int& exit_code) {
  auto* verb = app.add_subcommand("bench", "Measure latency, load time, memory and energy");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("MODEL", arguments->models, "ONNX files")->required();
  verb->add_option("--shape", arguments->shapes, "NAME=1x803x80: extents of an input");
  verb->add_option("--sweep", arguments->sweeps,
                   "NAME.AXIS=100,200,400, SYMBOL=1,2,4 (of the model), A+B=128,224 (together) or "
                   "threads=1,2; may be given several times");
  verb->add_option("--inputs", arguments->inputs, "An .npz instead of made-up inputs");
  verb->add_option("--seconds", arguments->seconds, "Time to measure for each row");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::bench
