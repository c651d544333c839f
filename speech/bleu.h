#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace octet::speech {

/// Corpus BLEU with one reference (Papineni, Roukos, Ward, Zhu: "BLEU: a Method for Automatic
/// Evaluation of Machine Translation", ACL 2002) as sacrebleu defines it by default (Post: "A Call
/// for Clarity in Reporting BLEU Scores", WMT 2018): n-grams up to 4, tokenization 13a, case kept,
/// exponential smoothing (an order without a match counts half as much as the one before it).
class Bleu {
 public:
  static constexpr size_t kOrders = 4;

  void add(std::string_view reference, std::string_view hypothesis);
  Bleu& operator+=(const Bleu& other);
  /// 0 to 100.
  double score() const;
  int64_t reference_tokens() const { return reference_tokens_; }
  int64_t hypothesis_tokens() const { return hypothesis_tokens_; }

 private:
  std::array<int64_t, kOrders> matches_{};
  std::array<int64_t, kOrders> total_{};
  int64_t reference_tokens_ = 0;
  int64_t hypothesis_tokens_ = 0;
};

/// Tokens of mteval-v13a: entities become characters, punctuation and symbols stand alone, but for
/// points and commas between digits, and hyphens not after one.
std::vector<std::string> tokenize_13a(std::string_view text);

}  // namespace octet::speech
