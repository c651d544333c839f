#include "speech/beam_search.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <tuple>

#include "speech/log_sum.h"

namespace octet::speech {
namespace {

// End detection (Watanabe et al. 2017, equation 50): hypotheses of the last kLengths lengths all
// score less than the best one by kMargin.
constexpr size_t kLengths = 3;
constexpr double kMargin = 10;

// Tokens that are passed over together.
constexpr size_t kBlock = 32;

// Whether one of kBlock bounds may be above `worst`.
bool any_above(const float* bounds, double worst) {
  const float least =
      std::nextafter(static_cast<float>(worst), -std::numeric_limits<float>::infinity());
  uint32_t count = 0;
  for (size_t i = 0; i < kBlock; ++i) count += bounds[i] > least;
  return count > 0;
}

// What a bound may fall below a score by the rounding of float32.
double below(double score) { return score - 1e-3 - 1e-6 * std::abs(score); }

// The logarithm of x > 0, or up to 0.06 more: log2(1 + m) <= m + 0.0861 for the mantissa's m.
double log_bound(float x) {
  const auto bits = static_cast<double>(std::bit_cast<int32_t>(x));
  return (bits * 0x1p-23 - 126.9139) * std::numbers::ln2;
}

}  // namespace

BeamSearch::BeamSearch(const SearchSettings& settings, const Special& special, size_t vocabulary,
                       const CtcPrefix* ctc, size_t max_tokens)
    : settings_(settings),
      special_(special),
      vocabulary_(vocabulary),
      ctc_(settings.ctc_weight > 0 ? ctc : nullptr),
      max_tokens_(max_tokens),
      tokens_{special.start},
      parents_{0} {
  open_.push_back({{}, ctc_ == nullptr ? CtcPrefix::State{} : ctc_->empty(), {}});
}

BeamSearch::Row BeamSearch::row(size_t h) const {
  const auto of = [&](double weight, std::span<const float> log_probs) {
    return weight == 0 || log_probs.empty() ? nullptr : log_probs.data() + h * vocabulary_;
  };
  return {of(1 - settings_.ctc_weight, attention_), of(settings_.lm_weight, lm_)};
}

bool BeamSearch::better(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score
                            : std::tie(a.from, a.token) < std::tie(b.from, b.token);
}

// `best` is a heap, its worst in front.
void BeamSearch::keep(const Candidate& candidate, std::vector<Candidate>& best) const {
  if (!std::isfinite(candidate.score)) return;
  best.push_back(candidate);
  std::push_heap(best.begin(), best.end(), better);
  if (best.size() <= settings_.beam) return;
  std::pop_heap(best.begin(), best.end(), better);
  best.pop_back();
}

// Offers the continuations of an open hypothesis; where it is as long as may be, its end.
void BeamSearch::keep_best(size_t h, std::vector<Candidate>& best) {
  const Hypothesis& hypothesis = open_[h].hypothesis;
  const Row row = this->row(h);
  const double base = (1 - settings_.ctc_weight) * hypothesis.attention +
                      settings_.lm_weight * hypothesis.lm +
                      settings_.length_bonus * static_cast<double>(length_);
  const auto end = static_cast<size_t>(special_.end);
  const double whole = ctc_ == nullptr ? 0 : ctc_->complete(open_[h].prefix);
  double score = base + (1 - settings_.ctc_weight) * Row::at(row.attention, end) +
                 settings_.lm_weight * Row::at(row.lm, end);
  if (ctc_ != nullptr) score += settings_.ctc_weight * whole;
  keep({h, special_.end, score, whole}, best);
  if (length_ < max_tokens_) keep_best_tokens(h, base + settings_.length_bonus, best);
}

// A longer prefix is no more probable than the shorter one, and a token than its frames allow.
void BeamSearch::bound_tokens(size_t h, double base) {
  const Row row = this->row(h);
  bounds_.assign(vocabulary_, static_cast<float>(base));
  const auto add = [&](const float* log_probs, double weight) {
    if (log_probs == nullptr) return;
    const auto factor = static_cast<float>(weight);
    for (size_t c = 0; c < vocabulary_; ++c) bounds_[c] += factor * log_probs[c];
  };
  add(row.attention, 1 - settings_.ctc_weight);
  add(row.lm, settings_.lm_weight);
  if (ctc_ != nullptr) {
    const auto weight = static_cast<float>(settings_.ctc_weight);
    const auto prefix = static_cast<float>(open_[h].hypothesis.ctc);
    const auto scale = static_cast<float>(onsets_.log_scale);
    const auto frames = ctc_->log_bounds();
    for (size_t c = 0; c < vocabulary_; ++c)
      bounds_[c] += weight * std::min(prefix, scale + frames[c]);
  }
  for (const int64_t token : {special_.start, special_.end, special_.blank.value_or(special_.end)})
    bounds_[static_cast<size_t>(token)] = static_cast<float>(kImpossible);
}

// CTC scores are calculated only where they decide.
void BeamSearch::keep_best_tokens(size_t h, double base, std::vector<Candidate>& best) {
  if (ctc_ != nullptr) {
    ctc_->find_onsets(open_[h].prefix, onsets_);
    if (onsets_.log_scale == kImpossible) return;
  }
  bound_tokens(h, base);
  const Row row = this->row(h);
  const double weight = settings_.ctc_weight;
  const auto worst_kept = [&] {
    return best.size() < settings_.beam ? kImpossible : below(best.front().score);
  };
  double worst = worst_kept();
  for (size_t c = 0; c < vocabulary_; ++c) {
    if (c % kBlock == 0 && c + kBlock <= vocabulary_ && !any_above(&bounds_[c], worst)) {
      c += kBlock - 1;
      continue;
    }
    if (!(static_cast<double>(bounds_[c]) > worst)) continue;
    const auto token = static_cast<int64_t>(c);
    double score =
        base + (1 - weight) * Row::at(row.attention, c) + settings_.lm_weight * Row::at(row.lm, c);
    double ctc = 0;
    if (ctc_ != nullptr) {
      const float sum = ctc_->sum(onsets_, token);
      if (!(sum > 0 && score + weight * (onsets_.log_scale + log_bound(sum)) > worst)) continue;
      ctc = onsets_.log_scale + std::log(static_cast<double>(sum));
      score += weight * ctc;
    }
    keep({h, token, score, ctc}, best);
    worst = worst_kept();
  }
}

void BeamSearch::take(const Candidate& candidate, std::vector<Open>& next) {
  const auto token = static_cast<size_t>(candidate.token);
  const Row row = this->row(candidate.from);
  const Open& from = open_[candidate.from];
  Open made{from.hypothesis, {}, from.rows};
  made.rows.push_back(candidate.from);
  made.hypothesis.attention += Row::at(row.attention, token);
  made.hypothesis.lm += Row::at(row.lm, token);
  made.hypothesis.ctc = candidate.ctc;
  made.hypothesis.score = candidate.score;
  if (candidate.token == special_.end) return end(std::move(made));
  made.hypothesis.tokens.push_back(candidate.token);
  if (ctc_ != nullptr) made.prefix = ctc_->extend(from.prefix, candidate.token);
  next.push_back(std::move(made));
}

void BeamSearch::end(Open open) {
  const double rank = ranked(open.hypothesis.score, open.hypothesis.tokens.size());
  ended_.push_back({std::move(open.hypothesis), rank, std::move(open.rows)});
}

double BeamSearch::ranked(double score, size_t tokens) const {
  return score / std::pow(static_cast<double>(tokens + 1), settings_.length_normalization);
}

void BeamSearch::advance(std::span<const float> attention, std::span<const float> lm) {
  attention_ = attention;
  lm_ = lm;
  std::vector<Candidate> best;
  for (size_t h = 0; h < open_.size(); ++h) keep_best(h, best);
  std::sort_heap(best.begin(), best.end(), better);
  std::vector<Open> next;
  for (const Candidate& candidate : best) take(candidate, next);
  ++length_;
  last_open_ = std::move(open_);
  open_ = std::move(next);
  if (nothing_better_comes()) open_.clear();
  drop_hopeless();
  tokens_.clear();
  parents_.clear();
  for (const Open& open : open_) {
    tokens_.push_back(open.hypothesis.tokens.back());
    parents_.push_back(static_cast<int64_t>(open.rows.back()));
  }
}

// No continuation ranks higher: logarithms of probabilities only fall.
double BeamSearch::best_rank_to_come(const Hypothesis& hypothesis) const {
  if (settings_.lm_weight < 0) return -kImpossible;
  const size_t length = hypothesis.tokens.size();
  const double left = static_cast<double>(max_tokens_ - std::min(length, max_tokens_));
  const double score = hypothesis.score + std::max(settings_.length_bonus, 0.0) * left;
  return std::max(ranked(score, length), ranked(score, std::max(length, max_tokens_)));
}

// Open hypotheses that can't come among the wanted ones. Whatever takes their places in the beam
// scores less, and can't either: what is found stays the same.
void BeamSearch::drop_hopeless() {
  if (ended_.size() < settings_.best) return;
  std::vector<double> ranks;
  for (const Ended& ended : ended_) ranks.push_back(ended.rank);
  const auto last = ranks.begin() + static_cast<std::ptrdiff_t>(settings_.best - 1);
  std::nth_element(ranks.begin(), last, ranks.end(), std::greater<>());
  std::erase_if(
      open_, [&](const Open& open) { return best_rank_to_come(open.hypothesis) < below(*last); });
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
