#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace octet::speech {

/// Probabilities of label prefixes under CTC, for label-synchronous search: algorithm 2 of
/// Watanabe, Hori, Kim, Hershey, Hayashi: "Hybrid CTC/Attention Architecture for End-to-End Speech
/// Recognition", IEEE JSTSP 11(8), 2017.
class CtcPrefix {
 public:
  /// The probabilities that what was heard up to a frame is a prefix and ended in its last label,
  /// or in a blank: these numbers times 2^(kScale exponent), so that none underflows.
  struct Forward {
    double label = 0;
    double blank = 0;
    int32_t exponent = 0;
  };
  static constexpr int kScale = 512;
  static constexpr size_t kParts = 4;

  /// A prefix g, frame by frame.
  struct State {
    std::vector<Forward> frames;
    int64_t last = -1;  ///< The last label; -1 of the empty prefix.
  };

  /// Where labels after a prefix may begin: log P(the labels begin with g·c) is `log_scale` plus
  /// the logarithm of a sum.
  struct Onsets {
    std::vector<float> any;               ///< A frame: that all before it is g; the largest is 1.
    std::vector<float> again;             ///< That g ended in a blank besides: for its last label.
    std::array<float, kParts> most = {};  ///< The largest of `any` in each part of the frames.
    double log_scale = 0;                 ///< -inf: no label may begin.
    int64_t last = -1;
  };

  /// log_probs: [frames, vocabulary], at least one frame.
  CtcPrefix(std::span<const float> log_probs, size_t vocabulary, int64_t blank);

  State empty() const;
  /// Takes the place of what `state` held, which isn't `prefix`.
  void extend(const State& prefix, int64_t token, State& state) const;
  /// log P(the labels are g and nothing more).
  double complete(const State& prefix) const;

  /// Takes the place of what `onsets` held.
  void find_onsets(const State& prefix, Onsets& onsets) const;
  /// The sum of a token other than the blank.
  float sum(const Onsets& onsets, int64_t token) const;
  /// No less than the sums of all tokens, but for rounding: [vocabulary].
  void bound_sums(const Onsets& onsets, std::vector<float>& sums) const;

 private:
  const float* probs_of(int64_t token) const {
    return probs_.data() + static_cast<size_t>(token) * frames_;
  }

  size_t part_begin(size_t part) const { return part * frames_ / kParts; }

  size_t frames_;
  size_t vocabulary_;
  int64_t blank_;
  std::vector<float> probs_;    // [vocabulary, frames].
  std::vector<float> in_part_;  // Their sums over the frames of each part, [kParts, vocabulary].
};

}  // namespace octet::speech
