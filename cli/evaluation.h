#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/recognition.h"
#include "speech/bleu.h"
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

/// Recognizes (or translates) all items, `batch` segments at a time.
Result<Evaluation> evaluate_items(const Transcriber& transcriber,
                                  const std::vector<EvaluationItem>& items, size_t batch,
                                  bool translates);

/// One setting of a sweep and what it gave.
struct SweepPoint {
  size_t beam;
  size_t batch;
  Evaluation evaluation;
};

/// The keys of docs/speech.md.
nlohmann::json to_json(const Evaluation& evaluation);
nlohmann::json to_json(const SweepPoint& point);

/// A page that needs nothing else: figures, latency over frames by stage, and the sweeps.
std::string evaluation_page(const std::string& bundle, const Evaluation& evaluation,
                            const std::vector<SweepPoint>& beams,
                            const std::vector<SweepPoint>& batches);

}  // namespace octet::cli
