#include "runtime/calibration/trials.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "engine/ir/log.h"
#include "runtime/calibration/signal_noise.h"
#include "runtime/session/program.h"

namespace octet::runtime {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kFewestRounds = 3;
constexpr size_t kMostRounds = 100;
constexpr auto kTime = std::chrono::seconds(1);

Result<std::shared_ptr<Program>> compile(const Graph& graph, const CompileOptions& options) {
  release_memory();
  return Program::compile(graph.clone(), options);
}

double us(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; }

// One run; steps that are shorter than in earlier runs replace these. A step is seldom interrupted,
// a whole run on a busy machine nearly always.
Status time_run(Program& program, std::span<const Tensor> inputs, const RunOptions& limits,
                quant::Profile& best) {
  quant::Profile now;
  RunOptions options = limits;
  options.profile = [&](const StepProfile& step) {
    now.steps.push_back({std::string(step.node), us(step.duration)});
  };
  if (auto outputs = program.run(inputs, options); !outputs) return std::move(outputs).error();
  if (best.steps.size() != now.steps.size()) best = now;
  best.us = 0;
  for (size_t s = 0; s < now.steps.size(); ++s) {
    best.steps[s].us = std::min(best.steps[s].us, now.steps[s].us);
    best.us += best.steps[s].us;
  }
  return {};
}

size_t elements(const std::vector<Tensor>& tensors) {
  return std::accumulate(tensors.begin(), tensors.end(), size_t{0},
                         [](size_t sum, const Tensor& tensor) { return sum + tensor.count(); });
}

}  // namespace

Result<std::shared_ptr<Trials>> Trials::of(const Graph& real,
                                           std::shared_ptr<const Samples> samples,
                                           const TrialOptions& options) {
  std::shared_ptr<Trials> trials(new Trials(real, std::move(samples), options));
  OCTET_RETURN_IF_ERROR(trials->choose(sample_inputs(real)));
  return trials;
}

Status Trials::choose(const std::vector<std::string>& names) {
  const size_t count = std::min(samples_->size(), kMost);
  std::vector<std::pair<size_t, size_t>> sizes;
  for (size_t i = 0; i < count; ++i) {
    chosen_.push_back(i * samples_->size() / count);
    OCTET_ASSIGN(const auto inputs, samples_->read(chosen_[i]));
    sizes.emplace_back(elements(inputs), chosen_[i]);
  }
  std::sort(sizes.begin(), sizes.end());
  OCTET_ASSIGN(middle_, samples_->read(sizes[count / 2].second));
  for (size_t i = 0; i < names.size(); ++i) dims_[names[i]] = middle_[i].dims();
  return {};
}

// The results for a sample; errors name it.
Result<std::vector<Tensor>> Trials::run(Program& program, size_t i) const {
  OCTET_ASSIGN(const auto inputs, samples_->read(i));
  auto outputs = program.run(inputs, options_.run);
  if (!outputs) return std::move(outputs).error().in(samples_->name(i));
  return outputs;
}

Status Trials::run_real() {
  OCTET_ASSIGN(const auto program, compile(*real_, options_.compile));
  for (const size_t i : chosen_) {
    OCTET_ASSIGN(auto outputs, run(*program, i));
    outputs_.push_back(std::move(outputs));
  }
  return {};
}

Result<double> Trials::sqnr(const Graph& graph, size_t samples) {
  if (outputs_.empty()) OCTET_RETURN_IF_ERROR(run_real());
  OCTET_ASSIGN(const auto program, compile(graph, options_.compile));
  const size_t count = std::min(samples, chosen_.size());
  std::vector<SignalNoise> sums(outputs_[0].size());
  bool any = false;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = i * chosen_.size() / count;
    OCTET_ASSIGN(const auto outputs, run(*program, chosen_[at]));
    for (size_t o = 0; o < sums.size(); ++o) {
      const Tensor& want = outputs_[at][o];
      if (!dtype_is_float(want.dtype())) continue;
      if (want.dims() != outputs[o].dims()) return -SignalNoise::kExact;
      any = true;
      sums[o].add(want.to_float(), outputs[o].to_float());
    }
  }
  if (!any)
    return Error{ErrorCode::invalid_argument,
                 "no output is a float, so there is no SQNR to bound loss by"};
  double least = SignalNoise::kExact;
  for (const SignalNoise& each : sums) least = std::min(least, each.sqnr());
  return least;
}

Result<std::vector<quant::Profile>> Trials::profile(const Graph& a, const Graph& b) {
  CompileOptions alone = options_.compile;
  alone.threads = 1;
  OCTET_ASSIGN(const auto first, compile(a, alone));
  OCTET_ASSIGN(const auto second, compile(b, alone));
  const RunOptions& limits = options_.run;
  std::vector<quant::Profile> best(2);
  // What a first run makes (bindings, arenas) isn't timed.
  for (auto* program : {first.get(), second.get()})
    if (auto outputs = program->run(middle_, limits); !outputs) return std::move(outputs).error();
  const auto start = Clock::now();
  for (size_t round = 0;
       round < kFewestRounds || (round < kMostRounds && Clock::now() - start < kTime); ++round) {
    OCTET_RETURN_IF_ERROR(time_run(*first, middle_, limits, best[0]));
    OCTET_RETURN_IF_ERROR(time_run(*second, middle_, limits, best[1]));
  }
  return best;
}

quant::Measurements measurements_by(const std::shared_ptr<Trials>& trials,
                                    std::optional<double> least_sqnr,
                                    const std::function<Status()>& begin) {
  quant::Measurements measures;
  measures.input_dims = trials->input_dims();
  measures.profile = [trials, begin](const Graph& a,
                                     const Graph& b) -> Result<std::vector<quant::Profile>> {
    OCTET_RETURN_IF_ERROR(begin());
    return trials->profile(a, b);
  };
  if (!least_sqnr) return measures;
  measures.sqnr = [trials, begin](const Graph& graph) -> Result<double> {
    OCTET_RETURN_IF_ERROR(begin());
    return trials->sqnr(graph, Trials::kFew);
  };
  measures.judge = [trials, least = std::min(*least_sqnr, SignalNoise::kExact),
                    begin](const Graph& graph) -> Result<quant::Verdict> {
    OCTET_RETURN_IF_ERROR(begin());
    OCTET_ASSIGN(const double sqnr, trials->sqnr(graph, Trials::kMost));
    char figure[64];
    std::snprintf(figure, sizeof(figure), "%.1f dB at the worst output", sqnr);
    quant::Verdict verdict{sqnr >= least, sqnr == SignalNoise::kExact ? "exact" : figure};
    log::lazily(log::Level::info, [&] { return "loss: " + verdict.figure; });
    return verdict;
  };
  return measures;
}

}  // namespace octet::runtime
