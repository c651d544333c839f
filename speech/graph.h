#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "speech/audio.h"

namespace octet::speech {

/// The graphs of a bundle.
enum class Part : uint8_t {
  features,
  encoder,
  ctc,
  memory,
  decoder,
  lm,
  bridge,
  translation_memory,
  translation_decoder,
};
inline constexpr size_t kParts = 9;
const char* part_name(Part part);

/// What the graphs' runs of one call share: when to stop, how long each part took, who listens.
struct Monitor {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::array<double, kParts> seconds{};
  /// Sees the inputs of every run, named by `ports`, before it; what it fails with ends the call.
  std::function<Outcome(Part part, std::span<const Port> ports, std::span<const TensorRef> inputs)>
      listener;
};

/// A graph of a bundle.
class Graph {
 public:
  static Expected<Graph> load(Part part, const std::string& path, const Options& options);

  const std::vector<Port>& inputs() const { return inputs_; }
  const std::vector<Port>& outputs() const { return outputs_; }
  std::optional<size_t> input(std::string_view name) const { return find(inputs_, name); }
  std::optional<size_t> output(std::string_view name) const { return find(outputs_, name); }
  /// Fails when the graph has another number of inputs, or lacks one of the names.
  Outcome require(std::span<const std::string_view> inputs,
                  std::span<const std::string_view> outputs) const;
  /// With the path.
  Failure failed(const std::string& cause) const { return bad_data(path_ + ": " + cause); }

  Expected<Results> run(std::span<const TensorRef> tensors, Monitor& monitor);
  Outcome run_into(std::span<const TensorRef> tensors, std::span<TensorRef> outputs,
                   Monitor& monitor);

 private:
  Graph(Part part, std::string path, Session session);
  static std::optional<size_t> find(const std::vector<Port>& ports, std::string_view name);
  // Runs `run` with what is left of the deadline, and adds its time.
  template <typename F>
  Outcome timed(std::span<const TensorRef> tensors, Monitor& monitor, F run);

  Part part_;
  std::string path_;
  Session session_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
};

}  // namespace octet::speech
