#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <random>

#include "cli/cli.h"
#include "cli/npz.h"
#include "cli/samples.h"
#include "runtime/threads/pool.h"

namespace octet::cli::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::vector<std::string> models;
  std::vector<std::string> shapes;
  std::string sweep;
  std::string inputs;
  double seconds = 1.0;
};

struct Sizes {
  std::map<std::string, Dims> shapes;  ///< Of inputs, by name.
};

std::optional<Dims> parse_dims(const std::string& text) {
  Dims dims;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, 'x');) {
    char* end = nullptr;
    dims.push_back(std::strtoll(part.c_str(), &end, 10));
    if (part.empty() || *end != '\0' || dims.back() < 0) return std::nullopt;
  }
  return dims;
}

// Made-up inputs: normal numbers; small non-negative integers; 1 where a symbol has no size.
Result<Tensor> made_up(const Port& port, const Sizes& sizes, std::mt19937& random) {
  Dims dims = port.dims;
  if (const auto at = sizes.shapes.find(port.name); at != sizes.shapes.end()) dims = at->second;
  for (int64_t& dim : dims) dim = std::max<int64_t>(dim, dim == 0 ? 0 : 1);
  OCTET_ASSIGN(Tensor tensor, Tensor::zeros(static_cast<DType>(port.dtype), dims));
  std::normal_distribution<float> normal(0.0F, 1.0F);
  visit_dtype(tensor.dtype(), TypeList<float, double, Half, Bfloat16>{}, [&]<typename T>() {
    for (size_t i = 0; i < tensor.count(); ++i)
      tensor.writable_as<T>()[i] = from_float<T>(normal(random));
  });
  visit_dtype(tensor.dtype(), TypeList<int64_t, int32_t>{}, [&]<typename T>() {
    for (size_t i = 0; i < tensor.count(); ++i)
      tensor.writable_as<T>()[i] = static_cast<T>(random() % 8 + 1);
  });
  return tensor;
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

void add_macs(const octet_step* step, void* user) { *static_cast<int64_t*>(user) += step->macs; }

// The largest resident set since the process began, or since it was last reset.
int64_t peak_rss() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

Result<nlohmann::json> measure(const std::string& model, const Sizes& sizes,
                               const Arguments& arguments, const Global& global) {
  const auto load_start = Clock::now();
  auto session = Session::load(model, global.session_options());
  if (!session) return to_error(session.failure());
  const double load_ms =
      std::chrono::duration<double, std::milli>(Clock::now() - load_start).count();
  std::vector<Tensor> tensors;
  std::mt19937 random(1);
  if (arguments.inputs.empty()) {
    for (const Port& port : session->inputs()) {
      OCTET_ASSIGN(Tensor tensor, made_up(port, sizes, random));
      tensors.push_back(std::move(tensor));
    }
  } else {
    OCTET_ASSIGN(const Arrays arrays, read_npz(arguments.inputs));
    std::vector<std::string> names;
    for (const Port& port : session->inputs()) names.push_back(port.name);
    OCTET_ASSIGN(tensors, pick_inputs(arrays, names, arguments.inputs));
  }
  std::vector<TensorRef> refs;
  for (const Tensor& tensor : tensors) refs.push_back(to_ref(tensor));
  if (global.tune)
    if (const auto failure = session->tune(refs)) return to_error(*failure).in(model);

  int64_t macs = 0;
  OCTET_RETURN_IF_ERROR(global.check_deadline());
  octet_run_options profile = global.c_run_options();
  profile.profile = add_macs;
  profile.user = &macs;
  if (auto first = session->run(refs, &profile); !first) return to_error(first.failure()).in(model);
  std::vector<double> times;
  const auto until = Clock::now() + std::chrono::duration<double>(arguments.seconds);
  while (Clock::now() < until || times.size() < 3) {
    if (auto status = global.check_deadline(); !status) return std::move(status).error().in(model);
    const octet_run_options timed = global.c_run_options();
    const auto start = Clock::now();
    auto results = session->run(refs, &timed);
    if (!results) return to_error(results.failure()).in(model);
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  double mean = 0;
  for (const double t : times) mean += t / static_cast<double>(times.size());
  double variance = 0;
  for (const double t : times)
    variance += (t - mean) * (t - mean) / static_cast<double>(times.size());
  std::error_code ignored;
  return nlohmann::json{{"model", model},
                        {"threads", global.threads == 0 ? runtime::usable_cores() : global.threads},
                        {"provider", global.provider},
                        {"isa", global.isa.empty() ? isa_name(CpuToken::best().isa()) : global.isa},
                        {"p50_ms", percentile(times, 0.5)},
                        {"p90_ms", percentile(times, 0.9)},
                        {"p99_ms", percentile(times, 0.99)},
                        {"mean_ms", mean},
                        {"stddev_ms", std::sqrt(variance)},
                        {"runs", times.size()},
                        {"load_ms", load_ms},
                        {"peak_rss_bytes", peak_rss()},
                        {"model_bytes", std::filesystem::file_size(model, ignored)},
                        {"macs", macs},
                        {"joules", nullptr}};
}

Result<std::vector<std::pair<std::string, Sizes>>> plan(const Arguments& arguments) {
  Sizes fixed_sizes;
  for (const std::string& text : arguments.shapes) {
    const size_t equals = text.find('=');
    const auto dims =
        equals == std::string::npos ? std::nullopt : parse_dims(text.substr(equals + 1));
    if (!dims)
      return Error{ErrorCode::invalid_argument, "--shape takes NAME=1x803x80, not '" + text + "'"};
    fixed_sizes.shapes[text.substr(0, equals)] = *dims;
  }
  std::vector<std::pair<std::string, Sizes>> points;
  if (arguments.sweep.empty()) {
    points.emplace_back("", fixed_sizes);
    return points;
  }
  const size_t equals = arguments.sweep.find('=');
  const size_t dot = arguments.sweep.rfind('.', equals);
  const std::string name = arguments.sweep.substr(0, dot);
  const auto at = fixed_sizes.shapes.find(name);
  if (equals == std::string::npos || dot == std::string::npos || at == fixed_sizes.shapes.end())
    return Error{ErrorCode::invalid_argument,
                 "--sweep takes NAME.AXIS=100,200,400, and --shape must give NAME's other extents"};
  const auto axis = static_cast<size_t>(std::atoi(arguments.sweep.c_str() + dot + 1));
  if (axis >= at->second.size())
    return Error{ErrorCode::invalid_argument, "--sweep: axis is outside the shape's rank"};
  std::stringstream values(arguments.sweep.substr(equals + 1));
  for (std::string value; std::getline(values, value, ',');) {
    Sizes sizes = fixed_sizes;
    sizes.shapes[name][axis] = std::atoll(value.c_str());
    points.emplace_back(arguments.sweep.substr(0, equals) + "=" + value, sizes);
  }
  return points;
}

int execute(const Arguments& arguments, const Global& global) {
  const auto points = plan(arguments);
  if (!points) return fail(points.error());
  nlohmann::json rows = nlohmann::json::array();
  Table table({"model", "at", "p50 ms", "p90 ms", "p99 ms", "G MAC/s", "load ms", "peak", "size"});
  for (const std::string& model : arguments.models) {
    for (const auto& [label, sizes] : *points) {
      auto row = measure(model, sizes, arguments, global);
      if (!row) return fail(row.error());
      const double p50 = (*row)["p50_ms"];
      table.add({std::filesystem::path(model).filename().string(), label, fixed(p50, 3),
                 fixed((*row)["p90_ms"], 3), fixed((*row)["p99_ms"], 3),
                 fixed((*row)["macs"].get<double>() / p50 / 1e6, 2), fixed((*row)["load_ms"], 1),
                 megabytes((*row)["peak_rss_bytes"]), megabytes((*row)["model_bytes"])});
      if (!label.empty()) (*row)["at"] = label;
      rows.push_back(std::move(*row));
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
  auto* verb = app.add_subcommand("bench", "Measure latency, load time and memory");
  auto arguments = std::make_shared<Arguments>();
  verb->add_option("MODEL", arguments->models, "ONNX files")->required();
  verb->add_option("--shape", arguments->shapes, "NAME=1x803x80: extents of an input");
  verb->add_option("--sweep", arguments->sweep, "NAME.AXIS=100,200,400");
  verb->add_option("--inputs", arguments->inputs, "An .npz instead of made-up inputs");
  verb->add_option("--seconds", arguments->seconds, "Time to measure for each row");
  verb->callback([arguments, &global, &exit_code] { exit_code = execute(*arguments, global); });
}

}  // namespace octet::cli::bench
