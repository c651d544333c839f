#include "runtime/calibration/calibrate.h"

#include <malloc.h>

#include <set>

#include "engine/ir/mapped_file.h"
#include "runtime/session/program.h"

namespace octet::runtime {
namespace {

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

std::vector<std::string> sample_inputs(const Graph& graph) {
  std::vector<std::string> names;
  for (const ValueId id : graph.inputs)
    if (graph.constant(id) == nullptr) names.push_back(graph.value(id).name);
  return names;
}

void release_memory() {
  MappedFile::release_all();
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

quant::Calibrate calibrate_on(std::shared_ptr<const Samples> samples, const TrialOptions& options) {
  return [samples = std::move(samples), options](const Graph& graph,
                                                 const quant::ValueSink& sink) -> Result<size_t> {
    const struct AtEnd {
      ~AtEnd() { release_memory(); }
    } at_end;
    CompileOptions compile = options.compile;
    compile.fuse = false;
    compile.cached_bindings = 1;
    OCTET_ASSIGN(const auto program, Program::compile(graph.clone(), compile));
    release_memory();
    Once once(sink);
    RunOptions run = options.run;
    run.observer = [&](std::string_view name, const TensorView& view) { once.show(name, view); };
    for (size_t i = 0; i < samples->size(); ++i) {
      OCTET_ASSIGN(const auto inputs, samples->read(i));
      once.next_run();
      if (auto outputs = program->run(inputs, run); !outputs)
        return std::move(outputs).error().in(samples->name(i));
      if (!once.status()) return std::move(once.status()).error().in(samples->name(i));
      if (options.progress) OCTET_RETURN_IF_ERROR(options.progress(i + 1, samples->size()));
    }
    return samples->size();
  };
}

}  // namespace octet::runtime
