#include "speech/beam_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <tuple>

#include "speech/log_sum.h"

namespace octet::speech {
namespace {

// End detection (Watanabe et al. 2017, equation 50): hypotheses of the last kLengths lengths all
// score less than the best one by kMargin.
constexpr size_t kLengths = 3;
constexpr double kMargin = 10;

// Tokens of a block.
constexpr size_t kBlock = 32;
size_t blocks_of(size_t vocabulary) { return (vocabulary + kBlock - 1) / kBlock; }

float largest(const float* values, size_t count) {
  constexpr size_t kLanes = 8;
  std::array<float, kLanes> lanes;
  lanes.fill(-std::numeric_limits<float>::infinity());
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (size_t l = 0; l < kLanes; ++l) lanes[l] = std::max(lanes[l], values[i + l]);
  for (; i < count; ++i) lanes[0] = std::max(lanes[0], values[i]);
  return *std::max_element(lanes.begin(), lanes.end());
}

// What a bound may fall below a score by the rounding of float32.
double below(double score) { return score - 1e-3 - 1e-6 * std::abs(score); }

}  // namespace

BeamSearch::BeamSearch(const SearchSettings& settings, const Special& special, size_t vocabulary,
                       CtcPrefix* ctc, size_t max_tokens)
    : settings_(settings),
      special_(special),
      vocabulary_(vocabulary),
      ctc_(settings.ctc_weight > 0 ? ctc : nullptr),
      max_tokens_(max_tokens),
      traces_(1),
      tokens_{special.start},
      parents_{0},
      nothing_(vocabulary, 0.0F) {
  open_.emplace_back();
  if (ctc_ != nullptr) open_[0].prefix = ctc_->empty();
}

BeamSearch::Row BeamSearch::row(size_t h) const {
  const auto of = [&](double weight, std::span<const float> log_probs) {
    return weight == 0 || log_probs.empty() ? nullptr : log_probs.data() + h * vocabulary_;
  };
  return {of(1 - settings_.ctc_weight, attention_), of(settings_.lm_weight, lm_)};
}

bool BeamSearch::Better::operator()(const Candidate& a, const Candidate& b) const {
  return a.score != b.score ? a.score > b.score
                            : std::tie(a.from, a.token) < std::tie(b.from, b.token);
}

void BeamSearch::keep(const Candidate& candidate) {
  if (!std::isfinite(candidate.score)) return;
  if (best_.size() == settings_.beam) {
    if (!Better()(candidate, best_.front())) return;
    std::pop_heap(best_.begin(), best_.end(), Better());
    best_.pop_back();
  }
  best_.push_back(candidate);
  std::push_heap(best_.begin(), best_.end(), Better());
}

// What scores no more isn't kept.
double BeamSearch::worst_kept() const {
  return best_.size() < settings_.beam ? kImpossible : below(best_.front().score);
}

// What a hypothesis's score is made of, but for CTC.
double BeamSearch::base(const Open& open) const {
  return (1 - settings_.ctc_weight) * open.attention + settings_.lm_weight * open.lm +
         settings_.length_bonus * static_cast<double>(length_);
}

void BeamSearch::offer_end(size_t h) {
  const Row row = this->row(h);
  const auto end = static_cast<size_t>(special_.end);
  const double whole = ctc_ == nullptr ? 0 : ctc_->complete(open_[h].prefix);
  double score = base(open_[h]) + (1 - settings_.ctc_weight) * Row::at(row.attention, end) +
                 settings_.lm_weight * Row::at(row.lm, end);
  if (ctc_ != nullptr) score += settings_.ctc_weight * whole;
  keep({h, special_.end, score, whole});
}

// A longer prefix is no more probable than the shorter one, and a token than its frames allow
// behind the likeliest onsets near them.
void BeamSearch::bound_tokens(size_t h) {
  if (ctc_ != nullptr) {
    ctc_->find_onsets(open_[h].prefix, onsets_[h]);
    if (onsets_[h].log_scale == kImpossible) return;
    ctc_->bound_sums(onsets_[h], sums_);
  }
  const Row row = this->row(h);
  const auto known = [&](const float* values) { return values ? values : nothing_.data(); };
  const float* attention = known(row.attention);
  const float* lm = known(row.lm);
  const float* sums = known(ctc_ == nullptr ? nullptr : sums_.data());
  const auto start = static_cast<float>(base(open_[h]) + settings_.length_bonus);
  const auto attention_weight = static_cast<float>(1 - settings_.ctc_weight);
  const auto lm_weight = static_cast<float>(settings_.lm_weight);
  const auto ctc_weight = static_cast<float>(ctc_ == nullptr ? 0 : settings_.ctc_weight);
  const auto prefix = static_cast<float>(open_[h].ctc);
  const auto scale = static_cast<float>(ctc_ == nullptr ? 0 : onsets_[h].log_scale);
  float* bounds = bounds_.data() + h * vocabulary_;
  for (size_t c = 0; c < vocabulary_; ++c)
    bounds[c] = start + attention_weight * attention[c] + lm_weight * lm[c] +
                ctc_weight * std::min(prefix, scale + log_bound(sums[c]));
  for (const int64_t token : {special_.start, special_.end, special_.blank.value_or(special_.end)})
    bounds[static_cast<size_t>(token)] = static_cast<float>(kImpossible);
  for (size_t first = 0; first < vocabulary_; first += kBlock)
    blocks_.push_back({largest(bounds + first, std::min(kBlock, vocabulary_ - first)),
                       static_cast<uint32_t>(h * blocks_of(vocabulary_) + first / kBlock)});
}

// CTC scores are calculated only where they decide.
void BeamSearch::offer_block(size_t index) {
  const size_t h = index / blocks_of(vocabulary_);
  const size_t first = index % blocks_of(vocabulary_) * kBlock;
  const Row row = this->row(h);
  const double weight = settings_.ctc_weight;
  const double base = this->base(open_[h]) + settings_.length_bonus;
  const float* bounds = bounds_.data() + h * vocabulary_;
  double worst = worst_kept();
  for (size_t c = first; c < std::min(first + kBlock, vocabulary_); ++c) {
    if (!(static_cast<double>(bounds[c]) > worst)) continue;
    const auto token = static_cast<int64_t>(c);
    double score =
        base + (1 - weight) * Row::at(row.attention, c) + settings_.lm_weight * Row::at(row.lm, c);
    double ctc = 0;
    if (ctc_ != nullptr) {
      const float sum = ctc_->sum(onsets_[h], token);
      if (!(sum > 0 &&
            score + weight * (onsets_[h].log_scale + static_cast<double>(log_bound(sum))) > worst))
        continue;
      ctc = onsets_[h].log_scale + std::log(static_cast<double>(sum));
      score += weight * ctc;
    }
    keep({h, token, score, ctc});
    worst = worst_kept();
  }
}

// The best continuations and ends of the open hypotheses. Where these are as long as may be, ends.
void BeamSearch::find_best() {
  best_.clear();
  blocks_.clear();
  for (size_t h = 0; h < open_.size(); ++h) offer_end(h);
  if (length_ < max_tokens_) {
    bounds_.resize(open_.size() * vocabulary_);
    if (ctc_ != nullptr && onsets_.size() < open_.size()) onsets_.resize(open_.size());
    for (size_t h = 0; h < open_.size(); ++h) bound_tokens(h);
  }
  const auto less = [](const Block& a, const Block& b) { return a.bound < b.bound; };
  std::make_heap(blocks_.begin(), blocks_.end(), less);
  while (!blocks_.empty() && static_cast<double>(blocks_.front().bound) > worst_kept()) {
    std::pop_heap(blocks_.begin(), blocks_.end(), less);
    offer_block(blocks_.back().index);
    blocks_.pop_back();
  }
  std::sort_heap(best_.begin(), best_.end(), Better());
}

void BeamSearch::take(const Candidate& candidate, std::vector<Open>& next) {
  const auto token = static_cast<size_t>(candidate.token);
  const Row row = this->row(candidate.from);
  const Open& from = open_[candidate.from];
  Open made{candidate.score, from.attention + Row::at(row.attention, token),
            candidate.ctc,   from.lm + Row::at(row.lm, token),
            traces_.size(),  {}};
  traces_.push_back({from.trace, candidate.token, candidate.from});
  if (candidate.token == special_.end) {
    ended_.push_back(traced(made));
    return;
  }
  if (ctc_ != nullptr) {
    if (!spare_.empty()) {
      made.prefix = std::move(spare_.back());
      spare_.pop_back();
    }
    ctc_->extend(from.prefix, candidate.token, made.prefix);
  }
  next.push_back(std::move(made));
}

BeamSearch::Ended BeamSearch::traced(const Open& open) const {
  Ended ended;
  for (size_t at = open.trace; at != 0; at = traces_[at].before) {
    ended.rows.push_back(traces_[at].row);
    if (traces_[at].token != special_.end) ended.hypothesis.tokens.push_back(traces_[at].token);
  }
  std::reverse(ended.rows.begin(), ended.rows.end());
  std::reverse(ended.hypothesis.tokens.begin(), ended.hypothesis.tokens.end());
  ended.hypothesis.score = open.score;
  ended.hypothesis.attention = open.attention;
  ended.hypothesis.ctc = open.ctc;
  ended.hypothesis.lm = open.lm;
  ended.rank = ranked(open.score, ended.hypothesis.tokens.size());
  return ended;
}

double BeamSearch::ranked(double score, size_t tokens) const {
  return score / std::pow(static_cast<double>(tokens + 1), settings_.length_normalization);
}

void BeamSearch::advance(std::span<const float> attention, std::span<const float> lm) {
  attention_ = attention;
  lm_ = lm;
  find_best();
  std::vector<Open> next;
  next.reserve(best_.size());
  for (const Candidate& candidate : best_) take(candidate, next);
  ++length_;
  for (Open& open : last_open_) spare_.push_back(std::move(open.prefix));
  last_open_ = std::move(open_);
  open_ = std::move(next);
  if (nothing_better_comes()) open_.clear();
  drop_hopeless();
  tokens_.clear();
  parents_.clear();
  for (const Open& open : open_) {
    tokens_.push_back(traces_[open.trace].token);
    parents_.push_back(static_cast<int64_t>(traces_[open.trace].row));
  }
}

// No continuation ranks higher: logarithms of probabilities only fall.
double BeamSearch::best_rank_to_come(double score) const {
  if (settings_.lm_weight < 0) return -kImpossible;
  const double left = static_cast<double>(max_tokens_ - std::min(length_, max_tokens_));
  const double most = score + std::max(settings_.length_bonus, 0.0) * left;
  return std::max(ranked(most, length_), ranked(most, std::max(length_, max_tokens_)));
}

// Open hypotheses that can't come among the wanted ones. Whatever takes their places in the beam
// scores less, and can't either: what is found stays the same.
void BeamSearch::drop_hopeless() {
  if (ended_.size() < settings_.best) return;
  std::vector<double> ranks;
  for (const Ended& ended : ended_) ranks.push_back(ended.rank);
  const auto last = ranks.begin() + static_cast<std::ptrdiff_t>(settings_.best - 1);
  std::nth_element(ranks.begin(), last, ranks.end(), std::greater<>());
  std::erase_if(open_,
                [&](const Open& open) { return best_rank_to_come(open.score) < below(*last); });
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
    for (const Open& open : last_open_) {
      list.push_back(traced(open));
      list.back().rank = open.score;
    }
  std::stable_sort(list.begin(), list.end(),
                   [](const Ended& a, const Ended& b) { return a.rank > b.rank; });
  if (list.size() > settings_.best) list.resize(settings_.best);
  return list;
}

}  // namespace octet::speech
