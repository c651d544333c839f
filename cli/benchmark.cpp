#include "cli/benchmark.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include "cli/energy.h"
#include "cli/npz.h"
#include "cli/samples.h"
#include "runtime/calibration/calibrate.h"
#include "runtime/threads/pool.h"

namespace octet::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kFewestRuns = 3;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Made-up inputs: normal numbers; ones for integers, which most models take as indices, masks,
// kinds of tokens and lengths alike.
Result<Tensor> made_up(const Port& port, const Dims& dims, std::mt19937& random) {
  OCTET_ASSIGN(Tensor tensor, Tensor::zeros(static_cast<DType>(port.dtype), dims));
  std::normal_distribution<float> normal(0.0F, 1.0F);
  visit_dtype(tensor.dtype(), TypeList<float, double, Half, Bfloat16>{}, [&]<typename T>() {
    for (size_t i = 0; i < tensor.count(); ++i)
      tensor.writable_as<T>()[i] = from_float<T>(normal(random));
  });
  visit_dtype(tensor.dtype(), TypeList<int64_t, int32_t>{}, [&]<typename T>() {
    for (size_t i = 0; i < tensor.count(); ++i) tensor.writable_as<T>()[i] = static_cast<T>(1);
  });
  return tensor;
}

Result<std::vector<Tensor>> inputs_of(const Session& session, const BenchPoint& point,
                                      const std::string& file) {
  const std::vector<Port> ports = session.inputs();
  if (!file.empty()) {
    OCTET_ASSIGN(const Arrays arrays, read_npz(file));
    std::vector<std::string> names;
    for (const Port& port : ports) names.push_back(port.name);
    return pick_inputs(arrays, names, file);
  }
  OCTET_ASSIGN(const auto dims, input_dims(ports, point));
  std::mt19937 random(1);
  std::vector<Tensor> tensors;
  for (const Port& port : ports) {
    OCTET_ASSIGN(Tensor tensor, made_up(port, dims.at(port.name), random));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

// Forgets the largest resident set so far, where the kernel lets us.
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// The largest resident set since then, or since the process began.
int64_t peak_rss() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6) * 1024;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

// What the first run tells: its multiply-accumulates, and its kernels.
struct FirstRun {
  int64_t macs = 0;
  std::vector<StepTime> steps;

  static void note(const octet_step* step, void* user) {
    auto& self = *static_cast<FirstRun*>(user);
    self.macs += step->macs;
    const std::string op = step->op[0] == '\0' ? "conversion" : step->op;
    const auto at = std::find_if(self.steps.begin(), self.steps.end(), [&](const StepTime& each) {
      return each.op == op && each.kernel == step->kernel;
    });
    const double ms = static_cast<double>(step->duration_ns) / 1e6;
    if (at != self.steps.end())
      at->ms += ms;
    else
      self.steps.push_back({op, step->kernel, ms});
  }
};

struct Timed {
  std::vector<double> ms;  // Sorted.
  double seconds = 0;
  std::optional<double> joules;

  double mean() const {
    double sum = 0;
    for (const double each : ms) sum += each;
    return sum / static_cast<double>(ms.size());
  }
  double deviation() const {
    double sum = 0;
    const double middle = mean();
    for (const double each : ms) sum += (each - middle) * (each - middle);
    return std::sqrt(sum / static_cast<double>(ms.size()));
  }
  double percentile(double share) const {
    return ms[std::min(ms.size() - 1, static_cast<size_t>(share * static_cast<double>(ms.size())))];
  }
};

// The memory of a run's results, for later runs to write theirs to; nothing where there are strings
// or lists among them.
std::optional<std::vector<TensorRef>> targets_of(const Results& results) {
  std::vector<TensorRef> targets;
  for (size_t i = 0; i < results.size(); ++i) {
    const octet_tensor tensor = results[i];
    if (tensor.dtype == OCTET_STRING || tensor.dtype == OCTET_LIST) return std::nullopt;
    targets.emplace_back(tensor.dtype, tensor.data, tensor.bytes, results.dims(i));
  }
  return targets;
}

// Runs into the memory of `first`, which is of the same inputs.
Result<Timed> time_runs(Session& session, std::span<const TensorRef> inputs, const Results& first,
                        double seconds, const Global& global) {
  Timed timed;
  auto targets = targets_of(first);
  const auto run = [&](const octet_run_options& options) -> std::optional<Failure> {
    if (targets) return session.run_into(inputs, *targets, &options);
    const auto results = session.run(inputs, &options);
    return results ? std::nullopt : std::optional(results.failure());
  };
  auto meter = EnergyMeter::open();
  const auto begin = Clock::now();
  while (ms_since(begin) < 1e3 * seconds || timed.ms.size() < kFewestRuns) {
    OCTET_RETURN_IF_ERROR(global.check_deadline());
    const octet_run_options options = global.c_run_options();
    const auto start = Clock::now();
    const auto failure = run(options);
    timed.ms.push_back(ms_since(start));
    if (failure) return to_error(*failure);
    if (meter) meter->update();
  }
  timed.seconds = ms_since(begin) / 1e3;
  if (meter) timed.joules = meter->joules();
  std::sort(timed.ms.begin(), timed.ms.end());
  return timed;
}

nlohmann::json row_of(const std::string& model, const BenchPoint& point, const Timed& timed,
                      size_t threads, const Global& global) {
  std::error_code ignored;
  nlohmann::json row = {{"model", model},
                        {"threads", threads == 0 ? runtime::usable_cores() : threads},
                        {"provider", global.provider},
                        {"isa", global.isa.empty() ? isa_name(CpuToken::best().isa()) : global.isa},
                        {"p50_ms", timed.percentile(0.5)},
                        {"p90_ms", timed.percentile(0.9)},
                        {"p99_ms", timed.percentile(0.99)},
                        {"mean_ms", timed.mean()},
                        {"stddev_ms", timed.deviation()},
                        {"runs", timed.ms.size()},
                        {"peak_rss_bytes", peak_rss()},
                        {"model_bytes", std::filesystem::file_size(model, ignored)},
                        {"seconds", timed.seconds},
                        {"watts", nullptr},
                        {"joules", nullptr}};
  if (timed.joules) {
    const double watts = *timed.joules / timed.seconds;
    row["watts"] = watts;
    row["joules"] = watts * timed.mean() / 1e3;
  }
  if (point.sweep.empty()) return row;
  row["at"] = point.label();
  row["sweep"] = point.sweep;
  row["value"] = point.value;
  return row;
}

Result<nlohmann::json> measure(const std::string& model, const BenchPoint& point,
                               const BenchSettings& settings, const Global& global,
                               std::vector<StepTime>* steps) {
  // What other points left behind isn't this one's.
  runtime::release_memory();
  reset_peak();
  Options options = global.session_options();
  if (point.threads) options.threads = *point.threads;
  const auto load_start = Clock::now();
  auto session = Session::load(model, options);
  if (!session) return to_error(session.failure());
  const double load_ms = ms_since(load_start);
  OCTET_ASSIGN(const auto tensors, inputs_of(*session, point, settings.inputs));
  std::vector<TensorRef> refs;
  for (const Tensor& tensor : tensors) refs.push_back(to_ref(tensor));
  if (global.tune)
    if (const auto failure = session->tune(refs)) return to_error(*failure);
  OCTET_RETURN_IF_ERROR(global.check_deadline());
  octet_run_options profile = global.c_run_options();
  FirstRun first;
  profile.profile = FirstRun::note;
  profile.user = &first;
  const auto results = session->run(refs, &profile);
  if (!results) return to_error(results.failure());
  OCTET_ASSIGN(const Timed timed, time_runs(*session, refs, *results, settings.seconds, global));
  if (steps != nullptr) {
    // What the first run makes (bindings, arenas) isn't of a kernel.
    FirstRun warm;
    profile.user = &warm;
    if (auto run = session->run(refs, &profile); !run) return to_error(run.failure());
    *steps = std::move(warm.steps);
    std::sort(steps->begin(), steps->end(),
              [](const StepTime& a, const StepTime& b) { return a.ms > b.ms; });
  }
  nlohmann::json row = row_of(model, point, timed, options.threads, global);
  row["load_ms"] = load_ms;
  row["macs"] = first.macs;
  return row;
}

}  // namespace

Result<nlohmann::json> bench_point(const std::string& model, const BenchPoint& point,
                                   const BenchSettings& settings, const Global& global,
                                   std::vector<StepTime>* steps) {
  auto row = measure(model, point, settings, global, steps);
  // Messages about the file name it already.
  if (!row && !row.error().message.starts_with(model)) return std::move(row).error().in(model);
  return row;
}

}  // namespace octet::cli
