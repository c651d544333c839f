// octet_demo prepare MODELS OUT: writes each bundled model's calibration samples as a folder.
// octet_demo measure MODELS OUT: evaluates and times the fp32 models and OUT/<name>.int8.onnx.
// octet_demo score MODELS NAME MODEL: the metric of MODEL on the evaluation set of the model NAME.
// octet_demo parts MODELS NAME MODEL: a line a sample of that set: what it adds to the metric's
// sum, and to the count that the sum is divided by.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>

#include "cli/demo/evaluate.h"
#include "cli/samples.h"

namespace octet::demo {
namespace {

namespace fs = std::filesystem;

int fail(const std::string& message) {
  std::cerr << "demo: " << message << "\n";
  return 1;
}

int prepare(const Bundle& bundle, const fs::path& out) {
  auto session = Session::load(bundle.model());
  if (!session) return fail(session.failure().message);
  const auto samples = read_set(bundle, "calibration");
  if (!samples) return fail(samples.error().message);
  const fs::path folder = out / (bundle.name + ".calibration");
  fs::create_directories(folder);
  Reader reader(bundle, *session);
  for (size_t i = 0; i < samples->size(); ++i) {
    char name[32];
    std::snprintf(name, sizeof(name), "%05zu.npz", i);
    if (const auto status = cli::write_npz(folder / name, reader.inputs((*samples)[i])); !status)
      return fail(status.error().message);
    if (!reader.carries_state()) continue;
    if (const auto results = reader.run((*samples)[i]); !results)
      return fail(results.failure().message);
  }
  return 0;
}

// Multiply-accumulates of a run, and those that integer kernels did.
struct Shares {
  int64_t all = 0;
  int64_t integer = 0;
};

void count_step(const octet_step* step, void* user) {
  auto* shares = static_cast<Shares*>(user);
  shares->all += step->macs;
  const std::string_view kernel = step->kernel;
  if (kernel.find("_s8") != std::string_view::npos) shares->integer += step->macs;
}

// Median milliseconds of both sessions, run in turn in short blocks.
std::pair<double, double> latencies(Session& a, Session& b, std::span<const TensorRef> inputs) {
  std::vector<double> times[2];
  Session* sessions[2] = {&a, &b};
  using Clock = std::chrono::steady_clock;
  for (int block = 0; block < 20; ++block) {
    for (int which = 0; which < 2; ++which) {
      const auto until = Clock::now() + std::chrono::milliseconds(40);
      (void)sessions[which]->run(inputs);
      for (int i = 0; i < 2 || Clock::now() < until; ++i) {
        const auto start = Clock::now();
        (void)sessions[which]->run(inputs);
        times[which].push_back(
            std::chrono::duration<double, std::milli>(Clock::now() - start).count());
      }
    }
  }
  const auto median = [](std::vector<double>& list) {
    std::nth_element(list.begin(), list.begin() + static_cast<ptrdiff_t>(list.size() / 2),
                     list.end());
    return list[list.size() / 2];
  };
  return {median(times[0]), median(times[1])};
}

int measure(const Bundle& bundle, const fs::path& out) {
  const fs::path quantized = out / (bundle.name + ".int8.onnx");
  Options options;
  options.threads = 1;
  auto fp32 = Session::load(bundle.model(), options);
  auto int8 = Session::load(quantized, options);
  if (!fp32) return fail(fp32.failure().message);
  if (!int8) return fail(int8.failure().message);
  const auto metric = metric_of(bundle);
  if (!metric) return fail(metric.error().message);
  const auto samples = read_set(bundle, "evaluation");
  if (!samples) return fail(samples.error().message);
  const auto before = evaluate(bundle, *metric, *fp32, *samples);
  const auto after = evaluate(bundle, *metric, *int8, *samples);
  if (!before) return fail(before.failure().message);
  if (!after) return fail(after.failure().message);
  const auto tensors = Reader(bundle, *fp32).ordered((*samples)[samples->size() / 2]);
  if (!tensors) return fail(tensors.error().message);
  const auto inputs = refs(*tensors);
  Shares shares;
  octet_run_options profile{};
  profile.profile = count_step;
  profile.user = &shares;
  (void)int8->run(inputs, &profile);
  const auto [slow, fast] = latencies(*fp32, *int8, inputs);
  const double old_size = static_cast<double>(fs::file_size(bundle.model()));
  const double new_size = static_cast<double>(fs::file_size(quantized));
  std::printf(
      "%-17s %-10s %6.2f -> %6.2f  %5.2f -> %5.2f MB (%4.1f%%)  %7.3f -> %7.3f ms  %5.2fx  "
      "%6.1f%%\n",
      bundle.name.c_str(), metric->label, *before, *after, old_size / 1e6, new_size / 1e6,
      100 * new_size / old_size, slow, fast, slow / fast,
      100.0 * static_cast<double>(shares.integer) /
          static_cast<double>(std::max<int64_t>(shares.all, 1)));
  std::fflush(stdout);
  return 0;
}

int print_score(const Bundle& bundle, const Metric& metric, Session& session,
                const std::vector<Sample>& samples) {
  const auto value = evaluate(bundle, metric, session, samples);
  if (!value) return fail(value.failure().message);
  std::printf("%.6f\n", *value);
  return 0;
}

int print_parts(const Bundle& bundle, const Metric& metric, Session& session,
                const std::vector<Sample>& samples) {
  const auto list = parts(bundle, metric, session, samples);
  if (!list) return fail(list.failure().message);
  for (const Metric::Part& part : *list) std::printf("%.9g %.9g\n", part.sum, part.count);
  return 0;
}

// Judges a model that takes what a bundled one takes.
int judge(const std::string& command, const Bundle& bundle, const fs::path& model) {
  auto session = Session::load(model);
  if (!session) return fail(session.failure().message);
  const auto metric = metric_of(bundle);
  if (!metric) return fail(metric.error().message);
  const auto samples = read_set(bundle, "evaluation");
  if (!samples) return fail(samples.error().message);
  const auto print = command == "score" ? print_score : print_parts;
  return print(bundle, *metric, *session, *samples);
}

int judge(const std::string& command, const fs::path& models, const std::string& name,
          const fs::path& model) {
  const auto bundles = find_bundles(models);
  if (!bundles) return fail(bundles.error().message);
  for (const Bundle& bundle : *bundles)
    if (bundle.name == name) return judge(command, bundle, model);
  return fail(models.string() + ": there is no model '" + name + "'");
}

int run(const std::string& command, const fs::path& models, const fs::path& out) {
  const auto bundles = find_bundles(models);
  if (!bundles) return fail(bundles.error().message);
  const auto each = command == "prepare" ? prepare : measure;
  if (command != "prepare")
    std::printf("%-17s %-10s %16s  %24s  %21s  %6s  %7s\n", "model", "metric", "fp32 -> int8",
                "size", "latency, one thread", "faster", "in int8");
  for (const Bundle& bundle : *bundles)
    if (const int code = each(bundle, out); code != 0) return code;
  return 0;
}

}  // namespace
}  // namespace octet::demo

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && (words[0] == "score" || words[0] == "parts"))
    return octet::demo::judge(words[0], words[1], words[2], words[3]);
  if (words.size() == 3 && (words[0] == "prepare" || words[0] == "measure"))
    return octet::demo::run(words[0], words[1], words[2]);
  return octet::demo::fail(
      "usage: octet_demo prepare|measure MODELS OUT | score|parts MODELS NAME MODEL");
}
