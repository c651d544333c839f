#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/ir/file_output.h"
#include "engine/passes/pass.h"
#include "engine/quant/named_options.h"
#include "importers/onnx/import.h"
#include "importers/onnx/write.h"
#include "octet/octet_quantize.h"
#include "runtime/api/handles.h"
#include "runtime/calibration/trials.h"
#include "runtime/threads/pool.h"

using octet::Error;
using octet::ErrorCode;
using octet::Model;
using octet::Result;
using octet::Status;
using octet::Tensor;
using octet::api::guarded;
using octet::api::to_c;
namespace quant = octet::quant;
namespace rt = octet::runtime;

struct octet_quantize_options {
  quant::QuantizeOptions quantize;
  std::optional<double> least_sqnr;
  rt::CompileOptions compile;
  octet_options run;
  size_t samples = 0;
  octet_sample sample = nullptr;
  void* sample_user = nullptr;
  octet_progress progress = nullptr;
  void* progress_user = nullptr;
  octet_node_report report = nullptr;
  void* report_user = nullptr;
};

namespace {

// What the caller's function gives, copied: a sample may be asked for while another is in use.
class CallbackSamples final : public rt::Samples {
 public:
  CallbackSamples(const octet_quantize_options& options, std::vector<std::string> names)
      : options_(options), names_(std::move(names)) {
    for (const std::string& each : names_) pointers_.push_back(each.c_str());
  }
  size_t size() const override { return options_.samples; }
  std::string name(size_t i) const override { return "sample " + std::to_string(i); }
  Result<std::vector<Tensor>> read(size_t i) const override {
    std::vector<octet_tensor> given(names_.size(), octet_tensor{});
    if (options_.sample(i, pointers_.data(), given.data(), given.size(), options_.sample_user) != 0)
      return octet::invalid_data(name(i) + ": the caller couldn't give it");
    std::vector<Tensor> views;
    if (auto status = octet::api::view_inputs(given.data(), given.size(), views); !status)
      return std::move(status).error().in(name(i));
    std::vector<Tensor> owned;
    for (const Tensor& view : views)
      owned.push_back(view.boxed() ? view : Tensor::copy(view.dtype(), view.dims(), view.bytes()));
    return owned;
  }

 private:
  const octet_quantize_options& options_;
  std::vector<std::string> names_;
  std::vector<const char*> pointers_;
};

Status told(const octet_quantize_options& options, const char* stage, size_t done, size_t all) {
  if (options.progress == nullptr) return {};
  if (options.progress(stage, done, all, options.progress_user) == 0) return {};
  return Error{ErrorCode::deadline, "the quantization was cancelled"};
}

Result<Model> read_model(const char* path, const octet_quantize_options& options) {
  OCTET_ASSIGN(Model model, octet::import_model(path));
  auto status = quant::check_excluded(*model.graph, options.quantize);
  if (status) status = octet::run_passes(*model.graph, octet::PassPhase::portable);
  if (!status) return std::move(status).error().in(path);
  return model;
}

Result<quant::Report> quantized(const Model& model, const octet_quantize_options& options) {
  rt::TrialOptions trial_options{options.compile, {}, [&](size_t done, size_t all) {
                                   return told(options, "calibrating", done, all);
                                 }};
  const auto mode = options.quantize.mode;
  const bool integers = mode == quant::Mode::statically || mode == quant::Mode::dynamic;
  quant::Calibration calibration;
  quant::Measurements measures;
  if (options.samples > 0) {
    const auto samples =
        std::make_shared<CallbackSamples>(options, rt::sample_inputs(*model.graph));
    calibration.run = rt::calibrate_on(samples, trial_options);
    if (integers) {
      OCTET_ASSIGN(const auto trials, rt::Trials::of(*model.graph, samples, trial_options));
      measures =
          rt::measurements_by(trials, options.least_sqnr, [&options, count = size_t{0}]() mutable {
            return told(options, "measuring", ++count, 0);
          });
    }
  }
  const size_t width = options.compile.threads;
  rt::PoolParallel parallel(rt::ThreadPool::process(), width > 0 ? width : rt::usable_cores());
  calibration.parallel = &parallel;
  return quant::quantize(*model.graph, options.quantize, calibration, measures);
}

Status quantize(const char* input, const char* output, const octet_quantize_options& options) {
  if (options.least_sqnr && options.samples == 0)
    return Error{ErrorCode::invalid_argument, "max-loss needs samples: loss is measured on them"};
  // What can't be written fails now, not after an hour of calibration.
  OCTET_RETURN_IF_ERROR(octet::FileOutput(output).open());
  OCTET_ASSIGN(const Model model, read_model(input, options));
  OCTET_ASSIGN(const quant::Report report, quantized(model, options));
  octet::WriteOptions write;
  write.short_names = true;
  OCTET_RETURN_IF_ERROR(octet::write_model(model, output, write));
  if (options.report == nullptr) return {};
  for (const quant::NodeReport& row : report.nodes) {
    const octet_quantized_node node{row.node.c_str(), row.op.c_str(), row.outcome.c_str(),
                                    row.reason.c_str(), row.macs};
    options.report(&node, options.report_user);
  }
  return {};
}

Status set_max_loss(octet_quantize_options& options, const char* word) {
  char* end = nullptr;
  const double decibels = std::strtod(word, &end);
  if (end == word || *end != '\0' || !(decibels > 0) || decibels > 1e6)
    return Error{ErrorCode::invalid_argument,
                 std::string("max-loss can't be '") + word + "': the least SQNR in dB, above 0"};
  options.least_sqnr = decibels;
  return {};
}

// Of options that couldn't be made.
octet_error* no_options() {
  return to_c(Error{ErrorCode::invalid_argument, "there are no options to set"});
}

}  // namespace

extern "C" {

octet_quantize_options* octet_quantize_options_new(void) {
  return new (std::nothrow) octet_quantize_options();
}
void octet_quantize_options_free(octet_quantize_options* options) { delete options; }

octet_error* octet_quantize_options_set(octet_quantize_options* options, const char* name,
                                        const char* word) {
  return guarded([&] {
    if (options == nullptr) return no_options();
    return to_c(std::string_view(name) == "max-loss"
                    ? set_max_loss(*options, word)
                    : quant::set_option(options->quantize, name, word));
  });
}

octet_error* octet_quantize_options_set_run(octet_quantize_options* options,
                                            const octet_options* run) {
  return guarded([&]() -> octet_error* {
    if (options == nullptr) return no_options();
    options->compile = octet::api::compile_options(run);
    options->run = run == nullptr ? octet_options() : *run;
    return nullptr;
  });
}

void octet_quantize_options_set_samples(octet_quantize_options* options, size_t count,
                                        octet_sample sample, void* user) {
  if (options == nullptr) return;
  options->samples = sample == nullptr ? 0 : count;
  options->sample = sample;
  options->sample_user = user;
}

void octet_quantize_options_set_progress(octet_quantize_options* options, octet_progress progress,
                                         void* user) {
  if (options == nullptr) return;
  options->progress = progress;
  options->progress_user = user;
}

void octet_quantize_options_set_report(octet_quantize_options* options, octet_node_report report,
                                       void* user) {
  if (options == nullptr) return;
  options->report = report;
  options->report_user = user;
}

octet_error* octet_quantize(const char* model, const char* output,
                            const octet_quantize_options* options) {
  return guarded([&] {
    const octet_quantize_options defaults;
    const octet_quantize_options& given = options == nullptr ? defaults : *options;
    const octet::BudgetScope scope(given.compile.memory);
    const octet::api::Limit limit(&given.run);
    return to_c(quantize(model, output, given));
  });
}

}  // extern "C"
