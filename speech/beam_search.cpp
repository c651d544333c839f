#include "speech/beam_search.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "speech/log_sum.h"

namespace octet::speech {
namespace {

// End detection (Watanabe et al. 2017, equation 50): hypotheses of the last kLengths lengths all
// score less than the best one by kMargin.
constexpr size_t kLengths = 3;
constexpr double kMargin = 10;

double at(std::span<const float> log_probs, size_t index) {
  return log_probs.empty() ? 0.0 : static_cast<double>(log_probs[index]);
}

// A factor of 0 leaves a term out, even where that is infinite.
double weighted(double weight, double score) { return weight == 0 ? 0 : weight * score; }

}  // namespace

BeamSearch::BeamSearch(const SearchSettings& settings, const Special& special, size_t vocabulary,
                       const CtcPrefix* ctc, size_t max_tokens)
    : settings_(settings),
      special_(special),
      vocabulary_(vocabulary),
      ctc_(ctc),
      max_tokens_(max_tokens),
      tokens_{special.start},
      parents_{0} {
  open_.push_back({{}, ctc == nullptr ? CtcPrefix::State{} : ctc->empty(), {}});
}

double BeamSearch::score_of(const Hypothesis& hypothesis, double attention, double ctc, double lm,
                            size_t length) const {
  return weighted(1 - settings_.ctc_weight, hypothesis.attention + attention) +
         weighted(settings_.ctc_weight, ctc) + weighted(settings_.lm_weight, hypothesis.lm + lm) +
         settings_.length_bonus * static_cast<double>(length);
}

// The best `beam` continuations of each open hypothesis; where it is as long as may be, its end.
std::vector<BeamSearch::Candidate> BeamSearch::candidates(std::span<const float> attention,
                                                          std::span<const float> lm) const {
  std::vector<Candidate> all;
  std::vector<double> ctc(vocabulary_, 0);
  for (size_t h = 0; h < open_.size(); ++h) {
    const Hypothesis& hypothesis = open_[h].hypothesis;
    if (ctc_ != nullptr) {
      ctc_->extensions(open_[h].prefix, ctc);
      ctc[static_cast<size_t>(special_.end)] = ctc_->complete(open_[h].prefix);
    }
    for (size_t c = 0; c < vocabulary_; ++c) {
      const auto token = static_cast<int64_t>(c);
      const bool end = token == special_.end;
      if (!end && (length_ >= max_tokens_ || token == special_.start || token == special_.blank))
        continue;
      const size_t index = h * vocabulary_ + c;
      const double score = score_of(hypothesis, at(attention, index), ctc[c], at(lm, index),
                                    length_ + (end ? 0 : 1));
      if (std::isfinite(score)) all.push_back({h, token, score, ctc[c]});
    }
  }
  return all;
}

void BeamSearch::take(const Candidate& candidate, std::span<const float> attention,
                      std::span<const float> lm, std::vector<Open>& next) {
  const size_t index = candidate.from * vocabulary_ + static_cast<size_t>(candidate.token);
  const Open& from = open_[candidate.from];
  Open made{from.hypothesis, {}, from.rows};
  made.rows.push_back(candidate.from);
  made.hypothesis.attention += at(attention, index);
  made.hypothesis.lm += at(lm, index);
  made.hypothesis.ctc = candidate.ctc;
  made.hypothesis.score = candidate.score;
  if (candidate.token == special_.end) return end(std::move(made));
  made.hypothesis.tokens.push_back(candidate.token);
  if (ctc_ != nullptr) made.prefix = ctc_->extend(from.prefix, candidate.token);
  tokens_.push_back(candidate.token);
  parents_.push_back(static_cast<int64_t>(candidate.from));
  next.push_back(std::move(made));
}

void BeamSearch::end(Open open) {
  const auto length = static_cast<double>(open.hypothesis.tokens.size() + 1);
  const double rank = open.hypothesis.score / std::pow(length, settings_.length_normalization);
  ended_.push_back({std::move(open.hypothesis), rank, std::move(open.rows)});
}

void BeamSearch::advance(std::span<const float> attention, std::span<const float> lm) {
  auto all = candidates(attention, lm);
  const auto kept = all.begin() + static_cast<std::ptrdiff_t>(std::min(settings_.beam, all.size()));
  std::partial_sort(all.begin(), kept, all.end(), [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score
                              : std::tie(a.from, a.token) < std::tie(b.from, b.token);
  });
  tokens_.clear();
  parents_.clear();
  std::vector<Open> next;
  for (auto candidate = all.begin(); candidate != kept; ++candidate)
    take(*candidate, attention, lm, next);
  ++length_;
  last_open_ = std::move(open_);
  open_ = std::move(next);
  if (nothing_better_comes()) open_.clear();
}

bool BeamSearch::nothing_better_comes() const {
  if (ended_.empty() || length_ < kLengths) return false;
  double best = kImpossible;
  for (const Ended& ended : ended_) best = std::max(best, ended.hypothesis.score);
  for (size_t back = 1; back <= kLengths; ++back) {
    double of_length = kImpossible;
    for (const Ended& ended : ended_)
      if (ended.hypothesis.tokens.size() + back == length_)
        of_length = std::max(of_length, ended.hypothesis.score);
    if (of_length == kImpossible || of_length > best - kMargin) return false;
  }
  return true;
}

std::vector<BeamSearch::Ended> BeamSearch::best() const {
  std::vector<Ended> list = ended_;
  if (list.empty())
    for (const Open& open : last_open_)
      list.push_back({open.hypothesis, open.hypothesis.score, open.rows});
  std::stable_sort(list.begin(), list.end(),
                   [](const Ended& a, const Ended& b) { return a.rank > b.rank; });
  if (list.size() > settings_.best) list.resize(settings_.best);
  return list;
}

}  // namespace octet::speech
