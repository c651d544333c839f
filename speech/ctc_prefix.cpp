#include "speech/ctc_prefix.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "speech/log_sum.h"

namespace octet::speech {
namespace {

using Forward = CtcPrefix::Forward;

constexpr double kDown = 0x1p-512;
constexpr double kUp = 0x1p+512;
constexpr double kSmall = 0x1p-400;
const double kLogScale = CtcPrefix::kScale * std::log(2.0);

// What a value of one exponent is under a larger one.
double lowered(double value, int32_t exponent, int32_t larger) {
  if (exponent == larger) return value;
  return larger - exponent == 1 ? value * kDown : 0.0;
}

double log_of(double value, int32_t exponent) {
  return value > 0 ? std::log(value) + exponent * kLogScale : kImpossible;
}

bool impossible(const Forward& at) { return at.label == 0 && at.blank == 0; }

// The frame after `before`, with `begin` · 2^(kScale exponent) the probability that the last label
// may begin there.
Forward next(const Forward& before, double begin, int32_t exponent, double label, double blank) {
  Forward at{(before.label + begin) * label, (before.label + before.blank) * blank,
             before.exponent};
  if (before.exponent != exponent) {
    if (impossible(before) || (begin > 0 && exponent > at.exponent)) at.exponent = exponent;
    const double ended = lowered(before.label, before.exponent, at.exponent);
    const double rested = lowered(before.blank, before.exponent, at.exponent);
    at.label = (ended + lowered(begin, exponent, at.exponent)) * label;
    at.blank = (ended + rested) * blank;
  }
  if (at.label < kSmall && at.blank < kSmall && !impossible(at)) {
    at.label *= kUp;
    at.blank *= kUp;
    --at.exponent;
  }
  return at;
}

}  // namespace

// Onsets are 1 at most.
CtcPrefix::CtcPrefix(std::span<const float> log_probs, size_t vocabulary, int64_t blank)
    : frames_(log_probs.size() / vocabulary),
      vocabulary_(vocabulary),
      blank_(blank),
      probs_(log_probs.size()),
      in_part_(kParts * vocabulary, 0.0F) {
  std::vector<float> probs(vocabulary);  // Of a frame.
  for (size_t t = 0, part = 0; t < frames_; ++t) {
    while (t >= part_begin(part + 1)) ++part;
    const float* row = log_probs.data() + t * vocabulary;
    float* sums = in_part_.data() + part * vocabulary;
    for (size_t c = 0; c < vocabulary; ++c) probs[c] = exponential(row[c]);
    for (size_t c = 0; c < vocabulary; ++c) sums[c] += probs[c];
    for (size_t c = 0; c < vocabulary; ++c) probs_[c * frames_ + t] = probs[c];
  }
}

CtcPrefix::State CtcPrefix::empty() const {
  State state{std::vector<Forward>(frames_), -1};
  const float* blank = probs_of(blank_);
  Forward before{0, 1, 0};
  for (size_t t = 0; t < frames_; ++t)
    before = state.frames[t] = next(before, 0, 0, 0, static_cast<double>(blank[t]));
  return state;
}

void CtcPrefix::extend(const State& prefix, int64_t token, State& state) const {
  state.frames.resize(frames_);
  state.last = token;
  const float* label = probs_of(token);
  const float* blank = probs_of(blank_);
  Forward before;
  if (prefix.last < 0) before.label = static_cast<double>(label[0]);
  state.frames[0] = before;
  for (size_t t = 1; t < frames_; ++t) {
    const Forward& from = prefix.frames[t - 1];
    const double begin = token == prefix.last ? from.blank : from.label + from.blank;
    before = next(before, begin, from.exponent, static_cast<double>(label[t]),
                  static_cast<double>(blank[t]));
    state.frames[t] = before;
  }
}

double CtcPrefix::complete(const State& prefix) const {
  const Forward& at = prefix.frames.back();
  return log_of(at.label + at.blank, at.exponent);
}

// P(g·c) = sum over t of P(what was heard before t is g, and c may begin at t) P(c at t). The first
// factor is the same for every c but the last label of g, after which c needs a blank.
void CtcPrefix::find_onsets(const State& prefix, Onsets& onsets) const {
  onsets.last = prefix.last;
  onsets.any.resize(frames_);
  onsets.again.resize(frames_);
  const Forward nothing{0, prefix.last < 0 ? 1.0 : 0.0, 0};
  const auto before = [&](size_t t) -> const Forward& {
    return t == 0 ? nothing : prefix.frames[t - 1];
  };
  double largest = 0;
  int32_t exponent = INT32_MIN;
  for (size_t t = 0; t < frames_; ++t) {
    const Forward& at = before(t);
    if (impossible(at) || at.exponent < exponent) continue;
    largest = at.exponent > exponent ? at.label + at.blank : std::max(largest, at.label + at.blank);
    exponent = at.exponent;
  }
  onsets.log_scale = log_of(largest, exponent);
  if (largest == 0) return;
  const double same = 1 / largest;
  for (size_t t = 0; t < frames_; ++t) {
    const Forward& at = before(t);
    const double scale = lowered(same, at.exponent, exponent);
    onsets.any[t] = static_cast<float>((at.label + at.blank) * scale);
    onsets.again[t] = static_cast<float>(at.blank * scale);
  }
  for (size_t part = 0; part < kParts; ++part) {
    float most = 0;
    for (size_t t = part_begin(part); t < part_begin(part + 1); ++t)
      most = std::max(most, onsets.any[t]);
    onsets.most[part] = most;
  }
}

void CtcPrefix::bound_sums(const Onsets& onsets, std::vector<float>& sums) const {
  static_assert(kParts == 4);
  const auto [first, second, third, fourth] = onsets.most;
  const float* in_part = in_part_.data();
  sums.resize(vocabulary_);
  float* to = sums.data();
  for (size_t c = 0; c < vocabulary_; ++c)
    to[c] = (first * in_part[c] + second * in_part[vocabulary_ + c]) +
            (third * in_part[2 * vocabulary_ + c] + fourth * in_part[3 * vocabulary_ + c]);
}

float CtcPrefix::sum(const Onsets& onsets, int64_t token) const {
  constexpr size_t kLanes = 8;
  const float* onset = token == onsets.last ? onsets.again.data() : onsets.any.data();
  const float* probs = probs_of(token);
  std::array<float, kLanes> lanes{};
  size_t t = 0;
  for (; t + kLanes <= frames_; t += kLanes)
    for (size_t l = 0; l < kLanes; ++l) lanes[l] += onset[t + l] * probs[t + l];
  float total = 0;
  for (; t < frames_; ++t) total += onset[t] * probs[t];
  for (const float lane : lanes) total += lane;
  return total;
}

}  // namespace octet::speech
