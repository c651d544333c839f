#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "speech/bundle.h"
#include "speech/ctc_prefix.h"

namespace octet::speech {

/// What a search found. Scores are natural logarithms and unweighted, but for `score`.
struct Hypothesis {
  std::vector<int64_t> tokens;  ///< Without start and end.
  std::string text;
  double score = 0;
  double attention = 0;  ///< The end included, here and in `lm`.
  double ctc = 0;        ///< Of exactly these labels.
  double lm = 0;
};

/// Label-synchronous beam search for one utterance, driven from outside: each step asks for rows of
/// the decoder and the language model (`tokens`, `parents`) and takes their results (`advance`).
/// A hypothesis scores (1 - w) attention + w CTC prefix + lm_weight LM + length_bonus a token
/// (Watanabe et al. 2017, section III.C; CtcPrefix).
class BeamSearch {
 public:
  struct Special {
    int64_t start;
    int64_t end;
    std::optional<int64_t> blank;
  };
  /// Null scorers count nothing: `ctc` of a search without CTC, which belongs to this search alone.
  /// max_tokens: a hypothesis ends there.
  BeamSearch(const SearchSettings& settings, const Special& special, size_t vocabulary,
             CtcPrefix* ctc, size_t max_tokens);

  /// No hypothesis is open: all have ended, or none of them can matter any more.
  bool done() const { return open_.empty(); }
  /// The last token of each open hypothesis, and its row in the step before.
  const std::vector<int64_t>& tokens() const { return tokens_; }
  const std::vector<int64_t>& parents() const { return parents_; }
  /// log_probs of the open hypotheses, [rows, vocabulary]; empty: not used.
  void advance(std::span<const float> attention, std::span<const float> lm);

  struct Ended {
    Hypothesis hypothesis;
    double rank = 0;           ///< The score after length normalization.
    std::vector<size_t> rows;  ///< Its row in each step, the start's first.
  };
  /// The best ones, of highest rank first. Where none has ended, what was open at last.
  std::vector<Ended> best() const;

 private:
  /// The last token of a sequence, the row that it came from, and what was before: 0, nothing.
  struct Trace {
    size_t before;
    int64_t token;
    size_t row;
  };
  struct Open {
    double score = 0;
    double attention = 0;
    double ctc = 0;
    double lm = 0;
    size_t trace = 0;
    CtcPrefix::State prefix;
  };
  struct Candidate {
    size_t from;
    int64_t token;
    double score;
    double ctc;
  };
  /// Tokens of neighbouring ids behind an open hypothesis: all blocks of the first one, then of the
  /// others.
  struct Block {
    float bound;  ///< No less than the score with any of them.
    uint32_t index;
  };
  /// Log-probabilities of an open hypothesis's row, [vocabulary]; null: not used.
  struct Row {
    const float* attention;
    const float* lm;
    static double at(const float* log_probs, size_t token) {
      return log_probs == nullptr ? 0.0 : static_cast<double>(log_probs[token]);
    }
  };
  /// The higher score; of equal ones what comes first.
  struct Better {
    bool operator()(const Candidate& a, const Candidate& b) const;
  };
  Row row(size_t h) const;
  double base(const Open& open) const;
  void find_best();
  void offer_end(size_t h);
  void bound_tokens(size_t h);
  void offer_block(size_t index);
  double worst_kept() const;
  void keep(const Candidate& candidate);
  void take(const Candidate& candidate, std::vector<Open>& next);
  Ended traced(const Open& open) const;
  double ranked(double score, size_t tokens) const;
  double best_rank_to_come(double score) const;
  void drop_hopeless();
  bool nothing_better_comes() const;

  SearchSettings settings_;
  Special special_;
  size_t vocabulary_;
  CtcPrefix* ctc_;
  size_t max_tokens_;
  size_t length_ = 0;  // Tokens of each open hypothesis.
  std::vector<Trace> traces_;
  std::vector<Open> open_;
  std::vector<Open> last_open_;
  std::vector<CtcPrefix::State> spare_;  // Memory of forgotten ones'.
  std::vector<Ended> ended_;
  std::vector<int64_t> tokens_;
  std::vector<int64_t> parents_;
  std::span<const float> attention_;  // Of the step.
  std::span<const float> lm_;
  std::vector<float> nothing_;             // A row of what isn't used.
  std::vector<Candidate> best_;            // A heap, its worst in front.
  std::vector<CtcPrefix::Onsets> onsets_;  // Of each open hypothesis,
  std::vector<float> sums_;                // no less than the sums of one's tokens,
  std::vector<float> bounds_;              // no less than the score with each token,
  std::vector<Block> blocks_;              // by blocks.
};

}  // namespace octet::speech
