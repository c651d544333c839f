#include "speech/ctc_prefix.h"

#include <algorithm>
#include <cmath>

#include "speech/log_sum.h"

namespace octet::speech {

CtcPrefix::CtcPrefix(std::span<const float> log_probs, size_t vocabulary, int64_t blank)
    : log_probs_(log_probs.begin(), log_probs.end()),
      probs_(log_probs.size()),
      vocabulary_(vocabulary),
      frames_(log_probs.size() / vocabulary),
      blank_(blank) {
  for (size_t i = 0; i < log_probs_.size(); ++i)
    probs_[i] = std::exp(static_cast<double>(log_probs_[i]));
}

CtcPrefix::State CtcPrefix::empty() const {
  State state{std::vector<double>(frames_, kImpossible), std::vector<double>(frames_), -1};
  double sum = 0;
  for (size_t t = 0; t < frames_; ++t) state.blank[t] = sum += log_prob(t, blank_);
  return state;
}

// P(g·c) = sum over t of P(what was heard before t is g, and c may begin at t) P(c at t). The first
// factor is the same for every c but the last label of g, after which c needs a blank; it is taken
// relative to its largest, so that the sums run over plain products.
void CtcPrefix::extensions(const State& prefix, std::span<double> scores) const {
  std::vector<double> before(frames_, kImpossible);  // Ended in anything,
  before[0] = prefix.last < 0 ? 0 : kImpossible;
  double largest = before[0];
  for (size_t t = 1; t < frames_; ++t) {
    before[t] = log_sum(prefix.label[t - 1], prefix.blank[t - 1]);
    largest = std::max(largest, before[t]);
  }
  std::fill(scores.begin(), scores.end(), largest == kImpossible ? kImpossible : 0);
  if (largest == kImpossible) return;
  double again = 0;  // and in a blank, for the last label.
  for (size_t t = 0; t < frames_; ++t) {
    const double weight = std::exp(before[t] - largest);
    const double* probs = probs_.data() + t * vocabulary_;
    if (weight > 0)
      for (size_t c = 0; c < vocabulary_; ++c) scores[c] += weight * probs[c];
    if (prefix.last >= 0 && t > 0)
      again += std::exp(prefix.blank[t - 1] - largest) * probs[prefix.last];
  }
  if (prefix.last >= 0) scores[static_cast<size_t>(prefix.last)] = again;
  for (double& score : scores) score = largest + std::log(score);
  scores[static_cast<size_t>(blank_)] = kImpossible;
}

double CtcPrefix::complete(const State& prefix) const {
  return log_sum(prefix.label.back(), prefix.blank.back());
}

CtcPrefix::State CtcPrefix::extend(const State& prefix, int64_t token) const {
  State state{std::vector<double>(frames_, kImpossible), std::vector<double>(frames_, kImpossible),
              token};
  if (prefix.last < 0) state.label[0] = log_prob(0, token);
  for (size_t t = 1; t < frames_; ++t) {
    const double may_begin = token == prefix.last
                                 ? prefix.blank[t - 1]
                                 : log_sum(prefix.label[t - 1], prefix.blank[t - 1]);
    state.label[t] = log_sum(state.label[t - 1], may_begin) + log_prob(t, token);
    state.blank[t] = log_sum(state.label[t - 1], state.blank[t - 1]) + log_prob(t, blank_);
  }
  return state;
}

}  // namespace octet::speech
