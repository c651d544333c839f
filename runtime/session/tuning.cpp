#include "runtime/session/tuning.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "engine/ir/file_output.h"
#include "runtime/providers.h"
#include "runtime/session/program.h"

namespace octet::runtime {
namespace {

constexpr int kRounds = 9;
constexpr double kWorthwhile = 0.9;  // Of our time, for a node.
constexpr double kWholeGain = 0.98;  // Of our time, for a run.
constexpr Provider kOthers[] = {Provider::onednn, Provider::xnnpack};

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// A program with the times of its runs and of its named nodes, in nanoseconds.
class Contender {
 public:
  Contender(Provider provider, std::shared_ptr<Program> program)
      : provider_(provider), program_(std::move(program)) {
    for (const auto& step : program_->plan().steps)
      if (step.node != kNoNode && !step.name.empty()) ++names_[step.name];
  }

  Status run(std::span<const Tensor> inputs) {
    double whole = 0;
    RunOptions options;
    options.profile = [&](const StepProfile& step) {
      const auto time = static_cast<double>(step.duration.count());
      whole += time;
      if (const auto at = names_.find(std::string(step.node));
          at != names_.end() && at->second == 1)
        nodes_[at->first].push_back(time);
    };
    const auto outputs = program_->run(inputs, options);
    if (!outputs) return outputs.error();
    runs_.push_back(whole);
    return {};
  }

  Provider provider() const { return provider_; }
  double run_time() { return median(runs_); }
  std::map<std::string, std::vector<double>>& nodes() { return nodes_; }
  // Whether the provider's own kernel runs the node.
  bool takes(const std::string& node) const {
    return std::any_of(program_->plan().steps.begin(), program_->plan().steps.end(),
                       [&](const PlannedStep& step) {
                         return step.name == node && step.info.provider == provider_name(provider_);
                       });
  }

 private:
  Provider provider_;
  std::shared_ptr<Program> program_;
  std::map<std::string, size_t> names_;
  std::vector<double> runs_;
  std::map<std::string, std::vector<double>> nodes_;
};

Result<Contender> contender(const Graph& graph, CompileOptions options, Provider provider,
                            const NodeProviders& choices) {
  options.provider = provider;
  options.choices = choices;
  OCTET_ASSIGN(auto program, Program::compile(graph.clone(), options));
  return Contender(provider, std::move(program));
}

// Runs in turn, after one of each that isn't counted.
Status race(std::vector<Contender>& contenders, std::span<const Tensor> inputs) {
  for (int round = 0; round < kRounds; ++round)
    for (Contender& each : contenders) OCTET_RETURN_IF_ERROR(each.run(inputs));
  return {};
}

NodeProviders faster_nodes(std::vector<Contender>& contenders) {
  NodeProviders choices;
  for (auto& [node, ours] : contenders[0].nodes()) {
    double best = kWorthwhile * median(ours);
    for (size_t i = 1; i < contenders.size(); ++i) {
      const auto theirs = contenders[i].nodes().find(node);
      if (theirs == contenders[i].nodes().end() || !contenders[i].takes(node)) continue;
      const double time = median(theirs->second);
      if (time >= best) continue;
      best = time;
      choices[node] = contenders[i].provider();
    }
  }
  return choices;
}

std::string first_line(const CompileOptions& options) {
  return "octet choices 1 " + std::string(isa_name(options.cpu.isa())) + " " +
         std::to_string(options.threads);
}

}  // namespace

Result<NodeProviders> tune(const Graph& graph, const CompileOptions& options,
                           std::span<const Tensor> inputs) {
  std::vector<Contender> contenders;
  OCTET_ASSIGN(auto ours, contender(graph, options, Provider::native, {}));
  contenders.push_back(std::move(ours));
  for (const Provider provider : kOthers) {
    if (!provider_is_here(provider)) continue;
    OCTET_ASSIGN(auto theirs, contender(graph, options, provider, {}));
    contenders.push_back(std::move(theirs));
  }
  OCTET_RETURN_IF_ERROR(race(contenders, inputs));
  NodeProviders choices = faster_nodes(contenders);
  if (choices.empty()) return choices;
  std::vector<Contender> final_two;
  OCTET_ASSIGN(auto native, contender(graph, options, Provider::native, {}));
  OCTET_ASSIGN(auto mixed, contender(graph, options, Provider::automatic, choices));
  final_two.push_back(std::move(native));
  final_two.push_back(std::move(mixed));
  OCTET_RETURN_IF_ERROR(race(final_two, inputs));
  if (final_two[1].run_time() > kWholeGain * final_two[0].run_time()) return NodeProviders();
  return choices;
}

NodeProviders read_choices(const std::filesystem::path& path, const CompileOptions& options) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line) || line != first_line(options)) return {};
  NodeProviders choices;
  while (std::getline(file, line)) {
    const size_t space = line.find(' ');
    if (space == std::string::npos) return {};
    const auto provider = provider_from_name(line.substr(0, space));
    if (!provider || !provider_is_here(*provider)) return {};
    choices[line.substr(space + 1)] = *provider;
  }
  return choices;
}

Status write_choices(const std::filesystem::path& path, const CompileOptions& options,
                     const NodeProviders& choices) {
  std::string text = first_line(options) + "\n";
  for (const auto& [node, provider] : choices)
    if (node.find('\n') == std::string::npos)
      text += std::string(provider_name(provider)) + " " + node + "\n";
  FileOutput file(path);
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_RETURN_IF_ERROR(file.write(std::string_view(text)));
  return file.commit();
}

}  // namespace octet::runtime
