#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "engine/ir/memory.h"
#include "importers/onnx/import.h"
#include "runtime/providers.h"
#include "runtime/session/execution.h"
#include "runtime/session/program.h"
#include "runtime/session/tuning.h"

// What surrounds the kernels, of one model: loading, loading from the cache, a second session, a
// new length, a second thread, and other libraries' kernels.
//
//   octet_session_bench MODEL [LENGTH]
//
// Free extents are LENGTH (800), the batch is 1.

namespace {

using namespace octet;
using namespace octet::runtime;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The largest resident set so far, in MB.
double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "octet_session_bench: %s\n", error.message.c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result) fail(result.error());
  return std::move(result).value();
}

std::vector<Tensor> inputs_of(const Program& program, int64_t length) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<Tensor> inputs;
  for (const ValueId id : program.inputs()) {
    const Value& value = program.plan().graph->value(id);
    Dims dims;
    for (const Dim& dim : value.type.shape.value_or(Shape()))
      dims.push_back(dim.known() ? dim.value() : (dim.to_string() == "batch" ? 1 : length));
    Tensor tensor = must(Tensor::zeros(value.type.dtype, dims));
    if (tensor.dtype() == DType::f32)
      for (size_t i = 0; i < tensor.count(); ++i) tensor.writable_as<float>()[i] = normal(random);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

std::shared_ptr<Program> load(const std::filesystem::path& path, const CompileOptions& options) {
  const BudgetScope scope(options.memory);
  auto model = must(import_model(path));
  return must(Program::compile(std::move(model.graph), options));
}

double run_ms(Program& program, const std::vector<Tensor>& inputs) {
  const auto start = Clock::now();
  must(program.run(inputs));
  return ms_since(start);
}

double steady_ms(Program& program, const std::vector<Tensor>& inputs) {
  run_ms(program, inputs);
  std::vector<double> times;
  for (const auto start = Clock::now(); times.size() < 5 || ms_since(start) < 1000;)
    times.push_back(run_ms(program, inputs));
  return median(times);
}

void measure_load(const std::filesystem::path& path) {
  const auto size = static_cast<double>(std::filesystem::file_size(path)) / (1 << 20);
  CompileOptions options;
  options.threads = 1;
  options.memory = std::make_shared<MemoryBudget>(size_t{1} << 40);
  auto start = Clock::now();
  auto first = load(path, options);
  std::printf("load                %8.1f ms, peak memory %.1f MB, the file %.1f MB\n",
              ms_since(start), peak_mb(), size);
  CompileOptions again = options;
  again.memory = std::make_shared<MemoryBudget>(size_t{1} << 40);
  start = Clock::now();
  const auto second = load(path, again);
  const double ms = ms_since(start);
  std::printf("a second session    %8.1f ms, %.2f MB more (%.1f%% of the first's %.1f MB)\n", ms,
              static_cast<double>(again.memory->used()) / (1 << 20),
              100.0 * static_cast<double>(again.memory->used()) /
                  static_cast<double>(options.memory->used()),
              static_cast<double>(options.memory->used()) / (1 << 20));
}

void measure_cache(const std::filesystem::path& path) {
  std::string pattern = (std::filesystem::temp_directory_path() / "octet-XXXXXX").string();
  CompileOptions options;
  options.threads = 1;
  options.cache = ::mkdtemp(pattern.data());
  std::vector<double> times;
  for (int i = 0; i < 6; ++i) {
    const auto start = Clock::now();
    load(path, options);
    times.push_back(ms_since(start));
  }
  std::printf("load, new cache     %8.1f ms\n", times[0]);
  std::printf("load from the cache %8.1f ms\n", median({times.begin() + 1, times.end()}));
  std::filesystem::remove_all(options.cache);
}

void measure_lengths(const std::filesystem::path& path, int64_t length) {
  CompileOptions options;
  options.threads = 1;
  const auto program = load(path, options);
  const double steady = steady_ms(*program, inputs_of(*program, length));
  // What a run of dims that weren't seen before does ahead of its steps, once as many as are
  // remembered were seen.
  const auto plan = std::shared_ptr<const Plan>(program, &program->plan());
  SerialParallel serial;
  std::unique_ptr<Execution> execution;
  std::vector<double> extra;
  for (int64_t step = 1; step <= 49; ++step) {
    std::vector<Dims> dims;
    for (const Tensor& input : inputs_of(*program, length - step)) dims.push_back(input.dims());
    const auto start = Clock::now();
    auto binding = must(runtime::bind(plan, std::move(dims), 1));
    if (execution == nullptr)
      execution = std::make_unique<Execution>(std::move(binding), serial, options);
    else
      execution->rebind(std::move(binding));
    extra.push_back(ms_since(start));
  }
  std::printf("a run               %8.3f ms at length %lld\n", steady,
              static_cast<long long>(length));
  std::printf("a new length        %8.3f ms more than a run, %.2f%%\n", median(extra),
              100 * median(extra) / steady);
  options.threads = 2;
  const auto wide = load(path, options);
  const double two = steady_ms(*wide, inputs_of(*wide, length));
  std::printf("on two threads      %8.3f ms, %.2fx\n", two, steady / two);
}

// Whole runs under each provider, and how many nodes tuning would give to one.
void measure_providers(const std::filesystem::path& path, int64_t length) {
  CompileOptions options;
  options.threads = 1;
  options.provider = Provider::native;
  const auto ours = load(path, options);
  const auto inputs = inputs_of(*ours, length);
  const double native = steady_ms(*ours, inputs);
  for (const Provider provider : {Provider::onednn, Provider::xnnpack}) {
    if (!provider_is_here(provider)) continue;
    options.provider = provider;
    const double theirs = steady_ms(*load(path, options), inputs);
    std::printf("%-19s %8.3f ms, ours %.3f ms: %.2fx\n",
                std::string(provider_name(provider)).c_str(), theirs, native, theirs / native);
  }
  options.provider = Provider::automatic;
  const auto model = must(import_model(path));
  const auto choices = must(tune(*model.graph, options, inputs));
  std::printf("tuning gives away   %8zu of %zu nodes\n", choices.size(), model.graph->node_count());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "octet_session_bench MODEL [LENGTH]\n");
    return 2;
  }
  measure_load(argv[1]);
  measure_cache(argv[1]);
  const int64_t length = argc > 2 ? std::atoll(argv[2]) : 800;
  measure_lengths(argv[1], length);
  measure_providers(argv[1], length);
  return 0;
}
