#include "cli/trials.h"

#include <algorithm>
#include <numeric>

#include "cli/calibration.h"
#include "cli/samples.h"
#include "cli/signal_noise.h"
#include "runtime/session/program.h"

namespace octet::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kFewestRounds = 3;
constexpr size_t kMostRounds = 100;
constexpr auto kTime = std::chrono::seconds(1);

Result<std::shared_ptr<runtime::Program>> compile(const Graph& graph, const Global& global,
                                                  std::optional<size_t> threads = std::nullopt) {
  OCTET_ASSIGN(auto options, global.compile_options());
  if (threads) options.threads = *threads;
  release_memory();
  return runtime::Program::compile(graph.clone(), options);
}

double us(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e3; }

// One run; steps that are shorter than in earlier runs replace these. A step is seldom interrupted,
// a whole run on a busy machine nearly always.
Status time_run(runtime::Program& program, std::span<const Tensor> inputs,
                const runtime::RunOptions& limits, quant::Profile& best) {
  quant::Profile now;
  runtime::RunOptions options = limits;
  options.profile = [&](const runtime::StepProfile& step) {
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

Result<std::shared_ptr<Trials>> Trials::of(const Graph& real, const std::filesystem::path& folder,
                                           const Global& global) {
  std::vector<std::string> names;
  for (const ValueId id : real.inputs)
    if (real.constant(id) == nullptr) names.push_back(real.value(id).name);
  OCTET_ASSIGN(auto samples, SampleFolder::open(folder, names));
  std::shared_ptr<Trials> trials(new Trials(real, std::move(samples), global));
  OCTET_RETURN_IF_ERROR(trials->choose(names));
  return trials;
}

Status Trials::choose(const std::vector<std::string>& names) {
  const size_t count = std::min(samples_.size(), kMost);
  std::vector<std::pair<size_t, size_t>> sizes;
  for (size_t i = 0; i < count; ++i) {
    chosen_.push_back(i * samples_.size() / count);
    OCTET_ASSIGN(const auto inputs, samples_.read(chosen_[i]));
    sizes.emplace_back(elements(inputs), chosen_[i]);
  }
  std::sort(sizes.begin(), sizes.end());
  OCTET_ASSIGN(middle_, samples_.read(sizes[count / 2].second));
  for (size_t i = 0; i < names.size(); ++i) dims_[names[i]] = middle_[i].dims();
  return {};
}

// The results for a sample; errors name it.
Result<std::vector<Tensor>> Trials::run(runtime::Program& program, size_t i) const {
  OCTET_ASSIGN(const auto inputs, samples_.read(i));
  auto outputs = program.run(inputs, global_->run_options());
  if (!outputs) return std::move(outputs).error().in(samples_.path(i).string());
  return outputs;
}

Status Trials::run_real() {
  OCTET_ASSIGN(const auto program, compile(*real_, *global_));
  for (const size_t i : chosen_) {
    OCTET_ASSIGN(auto outputs, run(*program, i));
    outputs_.push_back(std::move(outputs));
  }
  return {};
}

Result<double> Trials::sqnr(const Graph& graph, size_t samples) {
  if (outputs_.empty()) OCTET_RETURN_IF_ERROR(run_real());
  OCTET_ASSIGN(const auto program, compile(graph, *global_));
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
                 "--max-loss: no output is a float, so there is no SQNR; give a --metric"};
  double least = SignalNoise::kExact;
  for (const SignalNoise& each : sums) least = std::min(least, each.sqnr());
  return least;
}

Result<std::vector<quant::Profile>> Trials::profile(const Graph& a, const Graph& b) {
  OCTET_ASSIGN(const auto first, compile(a, *global_, 1));
  OCTET_ASSIGN(const auto second, compile(b, *global_, 1));
  const auto limits = global_->run_options();
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

}  // namespace octet::cli
