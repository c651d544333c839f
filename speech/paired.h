#pragma once

#include <cstdint>
#include <span>

#include "speech/bleu.h"
#include "speech/wer.h"

namespace octet::speech {

/// How much more b has than a over the same utterances, and the 95% interval of that: percentiles
/// of kResamples paired bootstrap samples of the utterances (Bisani, Ney: "Bootstrap Estimates for
/// Confidence Intervals in ASR Performance Evaluation", ICASSP 2004). The seed is fixed: the same
/// utterances give the same interval.
struct PairedDifference {
  static constexpr size_t kResamples = 2000;
  double difference = 0;
  double low = 0;
  double high = 0;
};

/// Of word error rates, in points (percent); a and b are by utterance, as many, with the same
/// words.
PairedDifference paired_difference(std::span<const WordErrors> a, std::span<const WordErrors> b);
/// Of BLEU; each holds one utterance.
PairedDifference paired_difference(std::span<const Bleu> a, std::span<const Bleu> b);

}  // namespace octet::speech
