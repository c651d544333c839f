#include "speech/paired.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

namespace octet::speech {
namespace {

WordErrors errors_of(size_t substitutions, size_t words) { return {substitutions, 0, 0, words}; }

Bleu bleu_of(const char* reference, const char* hypothesis) {
  Bleu bleu;
  bleu.add(reference, hypothesis);
  return bleu;
}

TEST_CASE("what doesn't vary has an interval of one point") {
  const std::vector<WordErrors> a(30, errors_of(1, 10)), b(30, errors_of(3, 10));
  const auto more = paired_difference(std::span(a), std::span(b));
  CHECK(more.difference == doctest::Approx(20));
  CHECK(more.low == doctest::Approx(20));
  CHECK(more.high == doctest::Approx(20));
  const auto same = paired_difference(std::span(b), std::span(b));
  CHECK(same.low == 0);
  CHECK(same.high == 0);
  CHECK(paired_difference(std::span<const Bleu>(), std::span<const Bleu>()).high == 0);
}

// Of many utterances of one length, the mean's own distribution: near normal.
TEST_CASE("the interval is that of a mean of paired differences") {
  constexpr size_t kCount = 500, kWords = 10;
  std::mt19937 random(2);
  std::vector<WordErrors> a, b;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < kCount; ++i) {
    const size_t first = random() % 4, second = first + random() % 3;
    a.push_back(errors_of(first, kWords));
    b.push_back(errors_of(second, kWords));
    const double points = 100.0 * static_cast<double>(second - first) / kWords;
    sum += points;
    squares += points * points;
  }
  const double mean = sum / kCount;
  const double half = 1.96 * std::sqrt((squares / kCount - mean * mean) / kCount);
  const auto found = paired_difference(std::span(a), std::span(b));
  CHECK(found.difference == doctest::Approx(mean));
  CHECK(found.low == doctest::Approx(mean - half).epsilon(0.02));
  CHECK(found.high == doctest::Approx(mean + half).epsilon(0.02));
}

TEST_CASE("BLEU's difference is that of the corpora") {
  const std::vector<Bleu> a = {bleu_of("a b c d e f", "a b c d e f"),
                               bleu_of("g h i j k", "g h i j k")};
  const std::vector<Bleu> b = {bleu_of("a b c d e f", "a b c d x f"),
                               bleu_of("g h i j k", "g h i j k")};
  Bleu corpus;
  corpus.add("a b c d e f", "a b c d x f");
  corpus.add("g h i j k", "g h i j k");
  const auto found = paired_difference(std::span(a), std::span(b));
  CHECK(found.difference == doctest::Approx(corpus.score() - 100));
  CHECK(found.low <= found.difference);
  CHECK(found.high <= 0);
}

}  // namespace
}  // namespace octet::speech
