#include "cli/calibration.h"

#include <malloc.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <set>

#include "cli/samples.h"
#include "engine/ir/file_output.h"
#include "engine/ir/mapped_file.h"
#include "runtime/session/program.h"

namespace octet::cli {
namespace {

void progress(size_t done, size_t all) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\rcalibrating " << done << "/" << all << (done == all ? "\n" : "") << std::flush;
}

// A value that lies in memory in several layouts is shown once a run.
class Once {
 public:
  explicit Once(const quant::ValueSink& sink) : sink_(sink) {}
  void next_run() { seen_.clear(); }
  void show(std::string_view name, const TensorView& view) {
    if (status_ && seen_.emplace(name).second) status_ = sink_(name, view);
  }
  Status& status() { return status_; }

 private:
  const quant::ValueSink& sink_;
  std::set<std::string, std::less<>> seen_;
  Status status_;
};

}  // namespace

void release_memory() {
  MappedFile::release_all();
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

quant::Calibrate calibrate_on(std::filesystem::path folder, const Global& global) {
  return [folder = std::move(folder), &global](const Graph& graph,
                                               const quant::ValueSink& sink) -> Result<size_t> {
    const struct AtEnd {
      ~AtEnd() { release_memory(); }
    } at_end;
    OCTET_ASSIGN(auto options, global.compile_options());
    options.fuse = false;
    options.cached_bindings = 1;
    OCTET_ASSIGN(const auto program, runtime::Program::compile(graph.clone(), options));
    release_memory();
    std::vector<std::string> names;
    for (const ValueId id : program->inputs()) names.push_back(graph.value(id).name);
    OCTET_ASSIGN(const auto samples, SampleFolder::open(folder, names));
    Once once(sink);
    runtime::RunOptions run = global.run_options();
    run.observer = [&](std::string_view name, const TensorView& view) { once.show(name, view); };
    for (size_t i = 0; i < samples.size(); ++i) {
      const std::string where = samples.path(i).string();
      OCTET_ASSIGN(const auto inputs, samples.read(i));
      once.next_run();
      if (auto outputs = program->run(inputs, run); !outputs)
        return std::move(outputs).error().in(where);
      if (!once.status()) return std::move(once.status()).error().in(where);
      progress(i + 1, samples.size());
    }
    return samples.size();
  };
}

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return invalid_data(path + ": can't be read");
  return text;
}

Result<quant::Observations> read_observations(const std::vector<std::string>& paths) {
  std::optional<quant::Observations> all;
  for (const std::string& path : paths) {
    OCTET_ASSIGN(const std::string text, read_text(path));
    auto read = quant::from_text(text);
    if (!read) return std::move(read).error().in(path);
    if (!all) {
      all = std::move(*read);
    } else if (auto status = all->merge(*read); !status) {
      return std::move(status).error().in(path);
    }
  }
  if (!all) return invalid_data("there are no observations to merge");
  return std::move(*all);
}

Status write_observations(const std::filesystem::path& path,
                          const quant::Observations& observations) {
  FileOutput file(path);
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_RETURN_IF_ERROR(file.write(quant::to_text(observations)));
  OCTET_RETURN_IF_ERROR(file.sync());
  return file.commit();
}

}  // namespace octet::cli
