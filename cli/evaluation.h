#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/recognition.h"
#include "speech/bleu.h"
#include "speech/paired.h"
#include "speech/wer.h"

namespace octet::cli {

/// A recording and what should be heard.
struct EvaluationItem {
  std::string name;
  std::string path;
  std::string reference;
};

/// What became of one. In a batch each utterance has an equal share of the time.
struct EvaluationRow {
  const EvaluationItem* item = nullptr;
  std::string text;
  double seconds_audio = 0;
  int64_t feature_frames = 0;
  StageTimes times;
  speech::WordErrors errors;
  speech::Bleu bleu;  ///< Of a translation.
};

struct Evaluation {
  std::vector<EvaluationRow> rows;
  speech::WordErrors errors;
  speech::Bleu bleu;
  double seconds_audio = 0;
  StageTimes times;
  bool translates = false;

  double real_time_factor() const { return times.total() / seconds_audio; }
};

/// Recognizes (or translates) all items, `batch` segments at a time, with each transcriber, by
/// turns of some items: what else the machine does meets all of them.
Result<std::vector<Evaluation>> evaluate_items(std::span<const Transcriber> transcribers,
                                               const std::vector<EvaluationItem>& items,
                                               size_t batch, bool translates);

/// What a bundle gives over another one's figures on the same items.
struct Comparison {
  speech::PairedDifference quality;  ///< Points of the word error rate, or BLEU.
  double faster = 0;                 ///< How many times, the median over the items.
};
Comparison compare(const Evaluation& baseline, const Evaluation& evaluation);

/// One setting of a sweep and what it gave.
struct SweepPoint {
  size_t beam;
  size_t batch;
  Evaluation evaluation;
};

/// The keys of docs/speech.md.
nlohmann::json to_json(const Evaluation& evaluation);
nlohmann::json to_json(const SweepPoint& point);
nlohmann::json to_json(const Comparison& comparison);

/// A page that needs nothing else: figures, latency over frames by stage, and the sweeps.
std::string evaluation_page(const std::string& bundle, const Evaluation& evaluation,
                            const std::vector<SweepPoint>& beams,
                            const std::vector<SweepPoint>& batches);

}  // namespace octet::cli
