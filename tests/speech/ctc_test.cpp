#include "speech/ctc.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>

#include "speech/beam_search.h"
#include "speech/ctc_prefix.h"
#include "speech/log_sum.h"

namespace octet::speech {
namespace {

using Labels = std::vector<int64_t>;

// Every path over a small lattice, by what it says: label sequences and their probabilities.
struct Lattice {
  size_t frames;
  size_t vocabulary;
  int64_t blank;
  std::vector<float> log_probs;
  std::map<Labels, double> probability;

  Lattice(size_t frame_count, size_t tokens, int64_t blank_token, unsigned seed)
      : frames(frame_count), vocabulary(tokens), blank(blank_token) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 1.5F);
    for (size_t t = 0; t < frames; ++t) {
      std::vector<float> row(vocabulary);
      double sum = 0;
      for (float& value : row) sum += std::exp(static_cast<double>(value = normal(random)));
      for (const float value : row) log_probs.push_back(value - static_cast<float>(std::log(sum)));
    }
    Labels path(frames, 0);
    enumerate(path, 0);
  }

  void enumerate(Labels& path, size_t t) {
    if (t < frames) {
      for (path[t] = 0; path[t] < static_cast<int64_t>(vocabulary); ++path[t])
        enumerate(path, t + 1);
      return;
    }
    double log_prob = 0;
    Labels labels;
    for (size_t i = 0; i < frames; ++i) {
      log_prob += static_cast<double>(log_probs[i * vocabulary + static_cast<size_t>(path[i])]);
      if (path[i] != blank && (i == 0 || path[i] != path[i - 1])) labels.push_back(path[i]);
    }
    probability[labels] += std::exp(log_prob);
  }

  double begins_with(const Labels& prefix) const {
    double sum = 0;
    for (const auto& [labels, p] : probability)
      if (labels.size() >= prefix.size() &&
          std::equal(prefix.begin(), prefix.end(), labels.begin()))
        sum += p;
    return sum;
  }
};

// Checks a prefix and, to `depth` more labels, all that begin with it.
void check_prefixes(const Lattice& lattice, CtcPrefix& scorer, const CtcPrefix::State& state,
                    Labels& labels, size_t depth) {
  const auto whole = lattice.probability.find(labels);
  const double complete = whole == lattice.probability.end() ? 0 : whole->second;
  CHECK(std::exp(scorer.complete(state)) == doctest::Approx(complete).epsilon(1e-5));
  CtcPrefix::Onsets onsets;
  scorer.find_onsets(state, onsets);
  for (int64_t token = 0; token < static_cast<int64_t>(lattice.vocabulary); ++token) {
    if (token == lattice.blank) continue;
    labels.push_back(token);
    CAPTURE(labels.size());
    CAPTURE(token);
    const double p = std::exp(onsets.log_scale) * static_cast<double>(scorer.sum(onsets, token));
    CHECK(p == doctest::Approx(lattice.begins_with(labels)).epsilon(1e-5));
    if (depth > 1) {
      CtcPrefix::State longer;
      scorer.extend(state, token, longer);
      check_prefixes(lattice, scorer, longer, labels, depth - 1);
    }
    labels.pop_back();
  }
}

TEST_CASE("exponentials are within 1e-7 of their size, and their logarithms' bounds above") {
  for (float x = 0; x > -87; x -= 1.7e-3F) {
    CAPTURE(x);
    const double expected = std::exp(static_cast<double>(x));
    CHECK(static_cast<double>(exponential(x)) == doctest::Approx(expected).epsilon(1e-7));
    const float bound = log_bound(exponential(x));
    CHECK(bound >= x - 1e-4F);
    CHECK(bound <= x + 0.061F);
  }
  for (const float x : {-87.5F, -1e30F, -std::numeric_limits<float>::infinity()})
    CHECK(exponential(x) == 0);
}

TEST_CASE("CTC prefix scores are sums over all paths") {
  const struct {
    const char* name;
    size_t frames;
    size_t vocabulary;
    int64_t blank;
  } cases[] = {{"one frame", 1, 4, 0},
               {"blank first", 5, 4, 0},
               {"blank last", 6, 3, 2},
               {"one label", 6, 2, 0}};
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const Lattice lattice(c.frames, c.vocabulary, c.blank, 11);
    CtcPrefix scorer(lattice.log_probs, c.vocabulary, c.blank);
    Labels labels;
    check_prefixes(lattice, scorer, scorer.empty(), labels, 4);
  }
}

TEST_CASE("prefix beam search with room for everything finds the most probable labels") {
  for (const unsigned seed : {1U, 2U, 3U}) {
    CAPTURE(seed);
    const Lattice lattice(5, 3, 1, seed);
    CtcPrefixBeam search(3, 1, 10000);
    search.push(lattice.log_probs);
    const auto best = search.best(10000);
    CHECK(best.size() >= lattice.probability.size());
    double sum = 0;
    for (size_t i = 0; i < best.size(); ++i) {
      sum += std::exp(best[i].log_prob);
      if (i > 0) CHECK(best[i].log_prob <= best[i - 1].log_prob);
      const auto at = lattice.probability.find(best[i].tokens);
      const double p = at == lattice.probability.end() ? 0 : at->second;
      CHECK(std::exp(best[i].log_prob) == doctest::Approx(p).epsilon(1e-5));
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-5));
  }
}

TEST_CASE("label search with room for everything finds the most probable labels") {
  constexpr size_t kTokens = 3;
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    CAPTURE(seed);
    const Lattice lattice(5, kTokens, 0, seed);
    // One more token, which no path has, starts and ends.
    std::vector<float> log_probs;
    for (size_t t = 0; t < lattice.frames; ++t) {
      const auto row = lattice.log_probs.begin() + static_cast<std::ptrdiff_t>(t * kTokens);
      log_probs.insert(log_probs.end(), row, row + kTokens);
      log_probs.push_back(-1000);
    }
    CtcPrefix prefix(log_probs, kTokens + 1, 0);
    SearchSettings settings;
    settings.beam = 1000;
    settings.ctc_weight = 1;
    settings.best = 1000;
    BeamSearch search(settings, {kTokens, kTokens, 0}, kTokens + 1, &prefix, lattice.frames);
    while (!search.done()) search.advance({}, {});
    const auto best = search.best();
    REQUIRE_FALSE(best.empty());
    double most = 0;
    for (const auto& [labels, p] : lattice.probability) most = std::max(most, p);
    CHECK(std::exp(best[0].rank) == doctest::Approx(most).epsilon(1e-5));
    for (const auto& ended : best)
      CHECK(std::exp(ended.hypothesis.ctc) ==
            doctest::Approx(lattice.probability.at(ended.hypothesis.tokens)).epsilon(1e-5));
  }
}

TEST_CASE("pieces of an utterance give what the whole gives") {
  const Lattice lattice(7, 3, 0, 5);
  for (const size_t piece : {1U, 2U, 3U, 7U}) {
    CAPTURE(piece);
    GreedyCtc greedy(3, 0);
    CtcPrefixBeam beam(3, 0, 4);
    for (size_t at = 0; at < 7; at += piece) {
      const auto rows =
          std::span(lattice.log_probs).subspan(at * 3, std::min<size_t>(piece, 7 - at) * 3);
      greedy.push(rows);
      beam.push(rows);
    }
    GreedyCtc whole_greedy(3, 0);
    CtcPrefixBeam whole_beam(3, 0, 4);
    whole_greedy.push(lattice.log_probs);
    whole_beam.push(lattice.log_probs);
    CHECK(greedy.tokens() == whole_greedy.tokens());
    CHECK(greedy.log_prob() == whole_greedy.log_prob());
    CHECK(beam.best(1)[0].tokens == whole_beam.best(1)[0].tokens);
    CHECK(beam.best(1)[0].log_prob == whole_beam.best(1)[0].log_prob);
  }
}

TEST_CASE("greedy CTC merges repetitions that no blank parts") {
  // a a - a b b, with a = 1, b = 2.
  std::vector<float> log_probs;
  for (const size_t best : {1U, 1U, 0U, 1U, 2U, 2U})
    for (size_t c = 0; c < 3; ++c) log_probs.push_back(c == best ? -0.1F : -3.0F);
  GreedyCtc greedy(3, 0);
  greedy.push(log_probs);
  CHECK(greedy.tokens() == Labels{1, 1, 2});
  CHECK(greedy.log_prob() == doctest::Approx(-0.6));
}

TEST_CASE("a long search forgets the labels that it dropped") {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> log_probs(20000 * 4);
  for (float& value : log_probs) value = -std::fabs(normal(random));
  CtcPrefixBeam search(4, 0, 8);
  search.push(log_probs);
  const auto best = search.best(8);
  CHECK(best.size() == 8);
  for (const auto& labels : best) CHECK(labels.tokens.size() > 1000);
}

}  // namespace
}  // namespace octet::speech
