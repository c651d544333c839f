// octet_mutants: mutants of small models, numbered by their seeds, each loaded, run and quantized
// under a program's limits. A worker process takes them one by one; where one dies, its seed and
// model are kept and another goes on behind it. The same seeds make the same mutants everywhere.
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>

#include "tests/conformance/random.h"
#include "tests/fuzz/corpus.h"
#include "tests/fuzz/exercise.h"
#include "tests/fuzz/meter.h"
#include "tests/fuzz/mutator.h"

namespace octet::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostBytes = size_t{512} << 20;
constexpr double kMostSeconds = 2;
constexpr int kAbandonAfter = 20;  // seconds of a mutant that doesn't end

struct Arguments {
  uint64_t first = 0;
  uint64_t count = 1000;
  double seconds = 0;  // After which no other mutant is begun; 0: never.
  size_t jobs = 1;
  fs::path out = "mutants";
  std::vector<fs::path> folders;
  bool corpus = false;    // write the models that mutants are made of, and stop
  bool keep = false;      // write the models instead of taking them
  bool in_place = false;  // without worker processes: for a debugger

  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
  bool over() const {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    return seconds > 0 && passed.count() >= seconds;
  }
};

// What a worker says of its work; lives in memory shared with the parent.
struct Progress {
  std::atomic<uint64_t> seed;
  std::atomic<uint64_t> done, loaded, ran, quantized, read_back;
  std::atomic<uint64_t> slow, large;
  std::atomic<uint64_t> most_bytes;
  std::atomic<uint64_t> most_microseconds;
};

void raise_to(std::atomic<uint64_t>& most, uint64_t value) {
  if (value > most) most = value;
}

void note(const Arguments& arguments, uint64_t seed, const std::string& what) {
  std::ofstream(arguments.out / "findings.txt", std::ios::app) << seed << " " << what << "\n";
}

std::string mutant(uint64_t seed, const std::vector<std::string>& models) {
  conformance::Random random(seed);
  return mutate(models[random.bits() % models.size()], random.bits(), models);
}

void save(const Arguments& arguments, uint64_t seed, const std::vector<std::string>& models) {
  std::ofstream(arguments.out / (std::to_string(seed) + ".onnx"), std::ios::binary)
      << mutant(seed, models);
}

void take(const Arguments& arguments, uint64_t seed, const std::vector<std::string>& models,
          const fs::path& folder, Progress& progress) {
  const std::string bytes = mutant(seed, models);
  itimerval timer{{}, {kAbandonAfter, 0}};
  ::setitimer(ITIMER_PROF, &timer, nullptr);
  start_meter();
  const Outcome outcome = exercise(bytes, seed, folder);
  const double seconds = metered_seconds();
  const uint64_t bytes_used = metered_bytes();
  progress.loaded += outcome.loaded;
  progress.ran += outcome.ran;
  progress.quantized += outcome.quantized;
  progress.read_back += outcome.read_back;
  raise_to(progress.most_bytes, bytes_used);
  raise_to(progress.most_microseconds, static_cast<uint64_t>(seconds * 1e6));
  if (seconds > kMostSeconds) {
    ++progress.slow;
    note(arguments, seed, "took " + std::to_string(seconds) + " s");
  }
  if (bytes_used > kMostBytes) {
    ++progress.large;
    note(arguments, seed, "took " + std::to_string(bytes_used >> 20) + " MB");
  }
  if (outcome.quantized && !outcome.read_back) note(arguments, seed, "wrote what it can't read");
  ++progress.done;
}

void take_all(const Arguments& arguments, uint64_t first, uint64_t end,
              const std::vector<std::string>& models, Progress& progress) {
  std::string pattern = fs::exists("/dev/shm") ? "/dev/shm/octet-XXXXXX" : "/tmp/octet-XXXXXX";
  const fs::path folder = ::mkdtemp(pattern.data());
  std::ofstream(folder / "weights.data", std::ios::binary) << std::string(64, '\x3f');
  install_meter();
  for (uint64_t seed = first; seed < end && !arguments.over(); ++seed) {
    progress.seed = seed;
    take(arguments, seed, models, folder, progress);
  }
  fs::remove_all(folder);
}

[[noreturn]] void work(const Arguments& arguments, uint64_t first, uint64_t end, size_t job,
                       const std::vector<std::string>& models, Progress& progress) {
  const fs::path log = arguments.out / ("worker-" + std::to_string(job) + ".log");
  if (std::freopen(log.c_str(), "w", stderr) == nullptr) ::_exit(1);
  take_all(arguments, first, end, models, progress);
  ::_exit(0);
}

// The seeds from `first` on, below `end`, by as many workers as it takes.
uint64_t supervise(const Arguments& arguments, uint64_t first, uint64_t end, size_t job,
                   const std::vector<std::string>& models, Progress& progress) {
  uint64_t reports = 0;
  while (first < end && !arguments.over()) {
    const pid_t child = ::fork();
    if (child == 0) work(arguments, first, end, job, models, progress);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    const uint64_t seed = progress.seed;
    const bool hung = WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF;
    if (hung) ++progress.slow;
    reports += hung ? 0 : 1;
    note(arguments, seed, hung ? "doesn't end" : "died, status " + std::to_string(status));
    save(arguments, seed, models);
    std::error_code error;
    fs::rename(arguments.out / ("worker-" + std::to_string(job) + ".log"),
               arguments.out / (std::to_string(seed) + ".log"), error);
    ++progress.done;
    first = seed + 1;
  }
  return reports;
}

Progress* shared_progress(size_t count) {
  void* memory = ::mmap(nullptr, sizeof(Progress) * count, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) Progress[count]();
}

// Prints what came of it; whether nothing bad did.
bool report(const Progress* progress, size_t jobs, uint64_t reports, double seconds) {
  uint64_t sums[7] = {};
  uint64_t bytes = 0;
  uint64_t micros = 0;
  for (size_t job = 0; job < jobs; ++job) {
    const Progress& p = progress[job];
    const uint64_t values[7] = {p.done, p.loaded, p.ran, p.quantized, p.read_back, p.slow, p.large};
    for (size_t i = 0; i < 7; ++i) sums[i] += values[i];
    bytes = std::max<uint64_t>(bytes, p.most_bytes);
    micros = std::max<uint64_t>(micros, p.most_microseconds);
  }
  std::cout << sums[0] << " mutants in " << static_cast<uint64_t>(seconds) << " s: " << sums[1]
            << " loaded, " << sums[2] << " ran, " << sums[3] << " quantized, " << sums[4]
            << " of them read back\nthe slowest took " << static_cast<double>(micros) * 1e-6
            << " s of CPU, the largest " << (bytes >> 20) << " MB\n"
            << reports << " reports, " << sums[5] << " over " << kMostSeconds << " s, " << sums[6]
            << " over " << (kMostBytes >> 20) << " MB\n";
  return reports + sums[5] + sums[6] == 0 && sums[3] == sums[4];
}

int run(const Arguments& arguments) {
  fs::create_directories(arguments.out);
  const auto models = corpus(arguments.folders);
  if (arguments.corpus) {
    for (size_t i = 0; i < models.size(); ++i)
      std::ofstream(arguments.out / (std::to_string(i) + ".onnx"), std::ios::binary) << models[i];
    return 0;
  }
  if (arguments.keep) {
    for (uint64_t seed = arguments.first; seed < arguments.first + arguments.count; ++seed)
      save(arguments, seed, models);
    return 0;
  }
  Progress* progress = shared_progress(arguments.jobs);
  if (progress == nullptr) return 5;
  const auto begin = std::chrono::steady_clock::now();
  if (arguments.in_place) {
    take_all(arguments, arguments.first, arguments.first + arguments.count, models, *progress);
    return report(progress, 1, 0, 0) ? 0 : 1;
  }
  std::vector<pid_t> children;
  for (size_t job = 0; job < arguments.jobs; ++job) {
    const uint64_t first = arguments.first + arguments.count * job / arguments.jobs;
    const uint64_t end = arguments.first + arguments.count * (job + 1) / arguments.jobs;
    children.push_back(::fork());
    if (children.back() == 0)
      ::_exit(static_cast<int>(
          std::min<uint64_t>(supervise(arguments, first, end, job, models, progress[job]), 200)));
  }
  uint64_t reports = 0;
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    reports += WIFEXITED(status) ? static_cast<uint64_t>(WEXITSTATUS(status)) : 1;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  return report(progress, arguments.jobs, reports, seconds.count()) ? 0 : 1;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--corpus") arguments.corpus = true;
    if (name == "--keep") arguments.keep = true;
    if (name == "--in-place") arguments.in_place = true;
    if (name == "--corpus" || name == "--keep" || name == "--in-place") continue;
    if (i + 1 == argc) return std::nullopt;
    const char* value = argv[++i];
    if (name == "--first")
      arguments.first = std::strtoull(value, nullptr, 10);
    else if (name == "--count")
      arguments.count = std::strtoull(value, nullptr, 10);
    else if (name == "--seconds")
      arguments.seconds = std::strtod(value, nullptr);
    else if (name == "--jobs")
      arguments.jobs = std::max<size_t>(1, std::strtoull(value, nullptr, 10));
    else if (name == "--out")
      arguments.out = value;
    else if (name == "--models")
      arguments.folders.emplace_back(value);
    else
      return std::nullopt;
  }
  return arguments;
}

}  // namespace
}  // namespace octet::fuzz

int main(int argc, char** argv) {
  const auto arguments = octet::fuzz::parse(argc, argv);
  if (!arguments) {
    std::cerr << "octet_mutants [--first N] [--count N] [--seconds S] [--jobs N] [--out DIR] "
                 "[--models DIR]... "
                 "[--keep|--in-place|--corpus]\n";
    return 2;
  }
  return octet::fuzz::run(*arguments);
}
