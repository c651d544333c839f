#include <doctest/doctest.h>

#include "speech/bleu.h"
#include "speech/wer.h"

namespace octet::speech {
namespace {

TEST_CASE("word errors of each kind") {
  const struct {
    const char* name;
    const char* reference;
    const char* hypothesis;
    size_t substitutions;
    size_t deletions;
    size_t insertions;
    size_t words;
  } cases[] = {
      {"the same", "one two three", "one two three", 0, 0, 0, 3},
      {"case and spaces don't count", "One  TWO\tthree", " one two three ", 0, 0, 0, 3},
      {"other letters do", "ä b", "Ä b", 1, 0, 0, 2},
      {"substituted", "one two three", "one too three", 1, 0, 0, 3},
      {"deleted", "one two three", "one three", 0, 1, 0, 3},
      {"inserted", "one two", "one and two", 0, 0, 1, 2},
      {"all kinds", "a b c d e", "x b d e f", 1, 1, 1, 5},
      {"nothing said", "", "one two", 0, 0, 2, 0},
      {"nothing heard", "one two", "", 0, 2, 0, 2},
      {"nothing at all", "", "", 0, 0, 0, 0},
      {"shifted", "a b c d", "b c d e", 0, 1, 1, 4},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const WordErrors errors = count_errors(c.reference, c.hypothesis);
    CHECK(errors.substitutions == c.substitutions);
    CHECK(errors.deletions == c.deletions);
    CHECK(errors.insertions == c.insertions);
    CHECK(errors.words == c.words);
  }
}

TEST_CASE("word error rates are over all words") {
  WordErrors sum = count_errors("a b c d", "a b c x");
  sum += count_errors("a b", "");
  CHECK(sum.rate() == doctest::Approx(3.0 / 6));
  CHECK(count_errors("", "").rate() == 0);
  CHECK(count_errors("", "a").rate() == 1);
}

// Expected scores: sacrebleu 2.5's BLEU().corpus_score.
TEST_CASE("BLEU is sacrebleu's") {
  const struct {
    const char* name;
    std::vector<const char*> references;
    std::vector<const char*> hypotheses;
    double score;
  } cases[] = {
      {"one sentence",
       {"the cat sat on the mat"},
       {"the cat is on the mat today"},
       30.739407647563},
      {"orders without a match", {"a b c d e f"}, {"a c e g h"}, 11.510153416499},
      {"punctuation and entities",
       {"it is 3.5, or 1,000 - not more.", "say \"hello\" & go-on (now)!"},
       {"it is 3.5 or 1,000 - no more .", "say &quot;hello&quot; &amp; go-on now!"},
       44.436399724113},
      {"an order without n-grams",
       {"turn the light on in the kitchen", "schalte das Licht aus"},
       {"turn the light", "schalte das Licht"},
       0.0},
      {"umlauts",
       {"öffne die Tür, bitte.", "fünf, sechs"},
       {"öffne die Tür bitte.", "fünf, sechs"},
       50.135503578210},
      {"nothing right", {"a b c"}, {"x y z"}, 0.0},
      {"all right", {"eins zwei drei vier fünf"}, {"eins zwei drei vier fünf"}, 100.0},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    Bleu bleu;
    for (size_t i = 0; i < c.references.size(); ++i) bleu.add(c.references[i], c.hypotheses[i]);
    CHECK(bleu.score() == doctest::Approx(c.score).epsilon(1e-9));
  }
}

// Expected tokens: sacrebleu's Tokenizer13a.
TEST_CASE("tokens are those of 13a") {
  using Words = std::vector<std::string>;
  const std::pair<const char*, Words> cases[] = {
      {"it's 3.5, 1,000.", {"it's", "3.5", ",", "1,000", "."}},
      {"a-b 5-6 x.", {"a-b", "5", "-", "6", "x", "."}},
      {"..,a", {".", ".", ",", "a"}},
      {"über,.:;\"x\"/y", {"über", ",", ".", ":", ";", "\"", "x", "\"", "/", "y"}},
      {"&lt;b&gt; a_b {c}", {"<", "b", ">", "a", "_", "b", "{", "c", "}"}},
      {"", {}},
  };
  for (const auto& [text, tokens] : cases) {
    CAPTURE(text);
    CHECK(tokenize_13a(text) == tokens);
  }
}

}  // namespace
}  // namespace octet::speech
