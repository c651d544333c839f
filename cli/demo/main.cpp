// octet_demo prepare MODELS OUT: writes each bundled model's calibration samples as a folder.
// octet_demo measure MODELS OUT: evaluates and times the fp32 models and OUT/<name>.int8.onnx.
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

int prepare(const std::vector<Bundle>& bundles, const fs::path& out) {
  for (const Bundle& bundle : bundles) {
    const auto samples = read_set(bundle, "calibration");
    if (!samples) return fail(samples.error().message);
    const fs::path folder = out / (bundle.name + ".calibration");
    fs::create_directories(folder);
    for (size_t i = 0; i < samples->size(); ++i) {
      char name[32];
      std::snprintf(name, sizeof(name), "%05zu.npy", i);
      if (const auto status = cli::write_npy(folder / name, (*samples)[i].input); !status)
        return fail(status.error().message);
    }
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
std::pair<double, double> latencies(Session& a, Session& b, const Tensor& input) {
  std::vector<double> times[2];
  Session* sessions[2] = {&a, &b};
  using Clock = std::chrono::steady_clock;
  const TensorRef tensor = cli::to_ref(input);
  for (int block = 0; block < 20; ++block) {
    for (int which = 0; which < 2; ++which) {
      const auto until = Clock::now() + std::chrono::milliseconds(40);
      (void)sessions[which]->run({tensor});
      for (int i = 0; i < 2 || Clock::now() < until; ++i) {
        const auto start = Clock::now();
        (void)sessions[which]->run({tensor});
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
  const auto samples = read_set(bundle, "evaluation");
  if (!samples) return fail(samples.error().message);
  const auto before = evaluate(bundle, *fp32, *samples);
  const auto after = evaluate(bundle, *int8, *samples);
  if (!before) return fail(before.failure().message);
  if (!after) return fail(after.failure().message);
  const Tensor& input = (*samples)[samples->size() / 2].input;
  Shares shares;
  octet_run_options profile{};
  profile.profile = count_step;
  profile.user = &shares;
  const TensorRef tensor = cli::to_ref(input);
  (void)int8->run(std::span(&tensor, 1), &profile);
  const auto [slow, fast] = latencies(*fp32, *int8, input);
  const double old_size = static_cast<double>(fs::file_size(bundle.model()));
  const double new_size = static_cast<double>(fs::file_size(quantized));
  std::printf(
      "%-17s %-9s %6.2f -> %6.2f  %5.2f -> %5.2f MB (%4.1f%%)  %7.3f -> %7.3f ms  %5.2fx  "
      "%6.1f%%\n",
      bundle.name.c_str(), bundle.ctc() ? "WER %" : "correct %", *before, *after, old_size / 1e6,
      new_size / 1e6, 100 * new_size / old_size, slow, fast, slow / fast,
      100.0 * static_cast<double>(shares.integer) /
          static_cast<double>(std::max<int64_t>(shares.all, 1)));
  std::fflush(stdout);
  return 0;
}

int run(const std::string& command, const fs::path& models, const fs::path& out) {
  const auto bundles = find_bundles(models);
  if (!bundles) return fail(bundles.error().message);
  if (command == "prepare") return prepare(*bundles, out);
  std::printf("%-17s %-9s %16s  %24s  %21s  %6s  %7s\n", "model", "metric", "fp32 -> int8", "size",
              "latency, one thread", "faster", "in int8");
  for (const Bundle& bundle : *bundles)
    if (const int code = measure(bundle, out); code != 0) return code;
  return 0;
}

}  // namespace
}  // namespace octet::demo

int main(int argc, char** argv) {
  if (argc != 4) return octet::demo::fail("usage: octet_demo prepare|measure MODELS OUT");
  return octet::demo::run(argv[1], argv[2], argv[3]);
}
