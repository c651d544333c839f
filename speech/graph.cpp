#include "speech/graph.h"

#include <algorithm>

namespace octet::speech {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kNames[kParts] = {"features",
                                        "encoder",
                                        "ctc",
                                        "memory",
                                        "decoder",
                                        "lm",
                                        "bridge",
                                        "translation_memory",
                                        "translation_decoder"};

}  // namespace

const char* part_name(Part part) { return kNames[static_cast<size_t>(part)]; }

Graph::Graph(Part part, std::string path, Session session)
    : part_(part),
      path_(std::move(path)),
      session_(std::move(session)),
      inputs_(session_.inputs()),
      outputs_(session_.outputs()) {}

Expected<Graph> Graph::load(Part part, const std::string& path, const Options& options) {
  auto session = Session::load(path, options);
  if (!session) return session.failure();
  return Graph(part, path, std::move(*session));
}

std::optional<size_t> Graph::find(const std::vector<Port>& ports, std::string_view name) {
  const auto at =
      std::find_if(ports.begin(), ports.end(), [&](const Port& port) { return port.name == name; });
  if (at == ports.end()) return std::nullopt;
  return static_cast<size_t>(at - ports.begin());
}

Outcome Graph::require(std::span<const std::string_view> inputs,
                       std::span<const std::string_view> outputs) const {
  for (const auto name : inputs)
    if (!input(name)) return failed("has no input '" + std::string(name) + "'");
  for (const auto name : outputs)
    if (!output(name)) return failed("has no output '" + std::string(name) + "'");
  if (inputs_.size() == inputs.size()) return std::nullopt;
  return failed("has " + std::to_string(inputs_.size()) + " inputs, not " +
                std::to_string(inputs.size()));
}

template <typename F>
Outcome Graph::timed(std::span<const TensorRef> tensors, Monitor& monitor, F run) {
  if (monitor.listener)
    if (auto failure = monitor.listener(part_, inputs_, tensors)) return failure;
  octet_run_options options{};
  const auto start = Clock::now();
  if (monitor.deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*monitor.deadline - start).count();
    if (left <= 0) return Failure{OCTET_DEADLINE, path_ + ": the deadline has passed"};
    options.deadline_ms = left;
  }
  Outcome outcome = run(options);
  monitor.seconds[static_cast<size_t>(part_)] +=
      std::chrono::duration<double>(Clock::now() - start).count();
  if (outcome) outcome->message = path_ + ": " + outcome->message;
  return outcome;
}

Expected<Results> Graph::run(std::span<const TensorRef> tensors, Monitor& monitor) {
  std::optional<Results> results;
  auto failure = timed(tensors, monitor, [&](const octet_run_options& options) -> Outcome {
    auto run = session_.run(tensors, &options);
    if (!run) return run.failure();
    results.emplace(std::move(*run));
    return std::nullopt;
  });
  if (failure) return *failure;
  return std::move(*results);
}

Outcome Graph::run_into(std::span<const TensorRef> tensors, std::span<TensorRef> outputs,
                        Monitor& monitor) {
  return timed(tensors, monitor, [&](const octet_run_options& options) {
    return session_.run_into(tensors, outputs, &options);
  });
}

}  // namespace octet::speech
