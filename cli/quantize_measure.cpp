#include <unistd.h>

#include <cmath>
#include <iostream>

#include "cli/metric.h"
#include "cli/quantize.h"
#include "cli/signal_noise.h"
#include "cli/trials.h"
#include "engine/ir/log.h"

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

Judge judge_by_sqnr(std::shared_ptr<Trials> trials, double least,
                    std::shared_ptr<Progress> progress) {
  return [trials = std::move(trials), least,
          progress = std::move(progress)](const Graph& graph) -> Result<quant::Verdict> {
    progress->begin();
    OCTET_ASSIGN(const double sqnr, trials->sqnr(graph, Trials::kMost));
    const std::string figure =
        sqnr == SignalNoise::kExact ? "exact" : fixed(sqnr, 1) + " dB at the worst output";
    Progress::log(figure);
    return quant::Verdict{sqnr >= std::min(least, SignalNoise::kExact), figure};
  };
}

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
                                         const Global& global) {
  quant::Measurements measures;
  const bool integers = arguments.mode == "static" || arguments.mode == "dynamic";
  if (!integers || arguments.calibration.empty()) return measures;
  const auto progress = std::make_shared<Progress>();
  OCTET_ASSIGN(const auto trials, Trials::of(*model.graph, arguments.calibration, global));
  measures.input_dims = trials->input_dims();
  measures.profile = [trials, progress](const Graph& a, const Graph& b) {
    progress->begin();
    return trials->profile(a, b);
  };
  if (!arguments.max_loss) return measures;
  measures.sqnr = [trials, progress](const Graph& graph) {
    progress->begin();
    return trials->sqnr(graph, Trials::kFew);
  };
  if (arguments.metric.empty()) {
    measures.judge = judge_by_sqnr(trials, *arguments.max_loss, progress);
    return measures;
  }
  OCTET_ASSIGN(Metric metric, Metric::of(arguments.metric, global));
  OCTET_ASSIGN(MetricLoss loss, MetricLoss::of(std::move(metric), better_of(arguments.better),
                                               arguments.model, model, arguments.output));
  measures.judge =
      judge_by_metric(std::make_shared<MetricLoss>(std::move(loss)), *arguments.max_loss, progress);
  return measures;
}

}  // namespace octet::cli::quantize
