#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace octet::speech {

/// The most probable label of each frame, repetitions merged, blanks left out; over any number of
/// pieces of an utterance.
class GreedyCtc {
 public:
  GreedyCtc(size_t vocabulary, int64_t blank)
      : vocabulary_(vocabulary), last_(blank), blank_(blank) {}
  /// log_probs: [frames, vocabulary]
  void push(std::span<const float> log_probs);
  const std::vector<int64_t>& tokens() const { return tokens_; }
  /// Of the path taken.
  double log_prob() const { return log_prob_; }

 private:
  size_t vocabulary_;
  int64_t last_;
  int64_t blank_;
  double log_prob_ = 0;
  std::vector<int64_t> tokens_;
};

/// Frame-synchronous search for the most probable labels, over any number of pieces of an
/// utterance: the `beam` most probable label sequences so far, each with the sum over its
/// alignments (Hannun, Maas, Jurafsky, Ng: "First-Pass Large Vocabulary Continuous Speech
/// Recognition using Bi-Directional Recurrent DNNs", 2014, algorithm 1, without a language model).
class CtcPrefixBeam {
 public:
  struct Labels {
    std::vector<int64_t> tokens;
    double log_prob = 0;
  };

  CtcPrefixBeam(size_t vocabulary, int64_t blank, size_t beam);
  /// log_probs: [frames, vocabulary]
  void push(std::span<const float> log_probs);
  /// Of what was pushed, the most probable first.
  std::vector<Labels> best(size_t count) const;

 private:
  // A label sequence: one shorter, and a token. Node 0 is the empty one.
  struct Node {
    size_t parent;
    int64_t token;
  };
  struct Prefix {
    size_t node;
    double label;  // log P of alignments that end in the last label,
    double blank;  // or in a blank.
    double total() const;
  };
  void push_frame(std::span<const float> log_probs);
  double begin(const Prefix& prefix, int64_t token) const;
  void drop_unused_nodes();

  size_t vocabulary_;
  int64_t blank_;
  size_t beam_;
  std::vector<Node> nodes_;
  std::vector<Prefix> prefixes_;  // The most probable first.
};

}  // namespace octet::speech
