#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "speech/graph.h"

namespace octet::speech {

/// Steps a graph that carries state from one token to the next: a decoder or a language model with
/// inputs tokens [H], parents [H], state.0 … and outputs log_probs [H, vocabulary], next.0 …, and
/// hidden [H, D] where it has that. Results of a step are the states of the next one where they
/// lie: each state has two buffers that take turns, and keeps them for the next sequences.
class Stepper {
 public:
  /// Checks the graph's inputs and outputs; the graph outlives it.
  static Expected<Stepper> of(Graph& graph, size_t vocabulary);

  /// Before the first step of new sequences: states are zeros of one row, and empty where they
  /// grow.
  void begin();
  /// Gives an input other than tokens, parents and states; its data outlives the steps.
  Outcome bind(const std::string& name, const TensorRef& tensor);
  /// Row h continues row parents[h] of the step before; of the first step all parents are 0.
  Outcome step(const std::vector<int64_t>& tokens, const std::vector<int64_t>& parents,
               Monitor& monitor);

  /// [H, vocabulary] of the last step.
  std::span<const float> log_probs() const { return log_probs_; }
  /// [H, hidden_width()] of the last step; empty where the graph has no such output.
  std::span<const float> hidden() const { return hidden_; }
  size_t hidden_width() const { return hidden_width_; }

 private:
  struct Buffer {
    std::unique_ptr<std::byte[]> data;
    size_t bytes = 0;
    /// At least so many, with nothing in them.
    void make_room(size_t wanted);
  };
  struct State {
    size_t input;
    size_t output;
    Buffer now;   // What the next step reads,
    Buffer next;  // and what it writes.
  };

  explicit Stepper(Graph& graph) : graph_(&graph) {}
  Outcome find_states();
  Outcome find_outputs(size_t vocabulary);
  void make_room(State& state, size_t rows);

  Graph* graph_;
  size_t vocabulary_ = 0;
  size_t hidden_width_ = 0;
  std::vector<State> states_;
  std::vector<TensorRef> inputs_;
  std::vector<TensorRef> outputs_;
  size_t tokens_ = 0;  // Which input or output it is.
  size_t parents_ = 0;
  size_t log_probs_at_ = 0;
  std::optional<size_t> hidden_at_;
  std::vector<float> log_probs_;
  std::vector<float> hidden_;
};

}  // namespace octet::speech
