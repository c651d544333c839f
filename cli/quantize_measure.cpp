#include <unistd.h>

#include <cmath>
#include <iostream>

#include "cli/calibration.h"
#include "cli/metric.h"
#include "cli/quantize.h"
#include "engine/ir/log.h"
#include "runtime/calibration/trials.h"

namespace octet::cli::quantize {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

// Counts what is measured, on a terminal, and logs what comes out.
class Progress {
 public:
  void begin() {
    ++count_;
    if (isatty(STDERR_FILENO) != 0) std::cerr << "\rmeasuring " << count_ << std::flush;
  }
  static void log(const std::string& what) {
    log::lazily(log::Level::info, [&] { return "--max-loss: " + what; });
  }
  ~Progress() {
    if (count_ > 0 && isatty(STDERR_FILENO) != 0) std::cerr << "\n";
  }

 private:
  size_t count_ = 0;
};

using Judge = std::function<Result<quant::Verdict>(const Graph&)>;

Judge judge_by_metric(std::shared_ptr<MetricLoss> loss, double most,
                      std::shared_ptr<Progress> progress) {
  return [loss = std::move(loss), most,
          progress = std::move(progress)](const Graph& graph) -> Result<quant::Verdict> {
    progress->begin();
    OCTET_ASSIGN(const auto lost, loss->of(graph, most));
    const std::string figure =
        number(lost.value) + " by the metric, " + number(loss->real()) + " of the float model";
    Progress::log(figure);
    return quant::Verdict{lost.worse <= most, figure};
  };
}

Better better_of(const std::string& name) {
  if (name.empty()) return Better::unknown;
  return name == "higher" ? Better::higher : Better::lower;
}

}  // namespace

std::string contradiction(const Arguments& arguments) {
  const bool statically = arguments.mode == "static";
  const bool integers = statically || arguments.mode == "dynamic";
  if (!statically &&
      (arguments.observe_only || !arguments.merge.empty() || !arguments.ranges.empty()))
    return "--observe-only, --merge and --ranges are for --mode static";
  if (!arguments.merge.empty() && arguments.observe_only)
    return "--merge takes what --observe-only wrote: one or the other";
  if (arguments.observe_only && arguments.calibration.empty())
    return "--observe-only needs --calibration FOLDER";
  if (arguments.observe_only && (arguments.max_loss || !arguments.html.empty()))
    return "--observe-only writes no model: --max-loss and --html are for those";
  if (!statically && arguments.activations != "8") return "--activations is for --mode static";
  if (!integers && arguments.states != "16") return "--states is for --mode static and dynamic";
  if (arguments.mode != "dynamic" && arguments.dynamic_scales != "row")
    return "--dynamic-scales is for --mode dynamic";
  if (!arguments.max_loss && !arguments.metric.empty()) return "--metric needs --max-loss X";
  if (arguments.metric.empty() && !arguments.better.empty())
    return "--better needs --metric COMMAND";
  if (!arguments.max_loss) return {};
  if (!integers) return "--max-loss is for --mode static and dynamic";
  if (arguments.calibration.empty())
    return "--max-loss needs --calibration FOLDER: loss is measured on samples";
  if (!std::isfinite(*arguments.max_loss)) return "--max-loss is a finite number";
  if (arguments.metric.empty() && *arguments.max_loss <= 0)
    return "--max-loss without --metric is the least SQNR in dB, above 0";
  if (*arguments.max_loss < 0) return "--max-loss with --metric is 0 or more";
  return {};
}

Result<quant::Measurements> measurements(const Arguments& arguments, const Model& model,
                                         const std::shared_ptr<const runtime::Samples>& samples,
                                         const Global& global) {
  const bool integers = arguments.mode == "static" || arguments.mode == "dynamic";
  if (!integers || samples == nullptr) return quant::Measurements{};
  OCTET_ASSIGN(const auto options, trial_options(global));
  OCTET_ASSIGN(const auto trials, runtime::Trials::of(*model.graph, samples, options));
  const auto progress = std::make_shared<Progress>();
  auto measures = runtime::measurements_by(trials, arguments.max_loss, [progress] {
    progress->begin();
    return Status{};
  });
  if (arguments.metric.empty()) return measures;
  OCTET_ASSIGN(Metric metric, Metric::of(arguments.metric, global));
  OCTET_ASSIGN(MetricLoss loss, MetricLoss::of(std::move(metric), better_of(arguments.better),
                                               arguments.model, model, arguments.output));
  measures.judge =
      judge_by_metric(std::make_shared<MetricLoss>(std::move(loss)), *arguments.max_loss, progress);
  return measures;
}

}  // namespace octet::cli::quantize
