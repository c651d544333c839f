#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace octet::speech {

/// Log-probabilities of label prefixes under CTC, for label-synchronous search: algorithm 2 of
/// Watanabe, Hori, Kim, Hershey, Hayashi: "Hybrid CTC/Attention Architecture for End-to-End Speech
/// Recognition", IEEE JSTSP 11(8), 2017.
class CtcPrefix {
 public:
  /// A prefix g. Frame by frame, the log-probability that what was heard so far is g and ended in
  /// its last label, or in a blank.
  struct State {
    std::vector<double> label;
    std::vector<double> blank;
    int64_t last = -1;  ///< The last label; -1 of the empty prefix.
  };

  /// log_probs: [frames, vocabulary], at least one frame.
  CtcPrefix(std::span<const float> log_probs, size_t vocabulary, int64_t blank);

  State empty() const;
  /// For every token c: log P(the labels begin with g·c); -inf for the blank. scores: [vocabulary].
  void extensions(const State& prefix, std::span<double> scores) const;
  /// log P(the labels are g and nothing more).
  double complete(const State& prefix) const;
  State extend(const State& prefix, int64_t token) const;

 private:
  double log_prob(size_t frame, int64_t token) const {
    return static_cast<double>(log_probs_[frame * vocabulary_ + static_cast<size_t>(token)]);
  }
  std::vector<float> log_probs_;
  std::vector<double> probs_;  // Their exponentials.
  size_t vocabulary_;
  size_t frames_;
  int64_t blank_;
};

}  // namespace octet::speech
