#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "speech/pauses.h"
#include "speech/recognizer.h"

namespace octet::cli {

/// What the command line says of the search; the bundle's own values where it says nothing.
struct SearchArguments {
  std::string method = "beam";
  std::optional<size_t> beam;
  std::optional<double> ctc_weight;
  std::optional<double> lm_weight;
  std::optional<double> length_bonus;
  std::optional<double> length_normalization;
  size_t best = 1;
};

void add_search_options(CLI::App& verb, SearchArguments& arguments);

speech::RecognizerSettings settings_of(const SearchArguments& arguments,
                                       const speech::Recognizer& recognizer);

/// Seconds of a computation: reading and resampling, the graphs by part, and what is left (search,
/// copies).
struct StageTimes {
  double audio = 0;
  double search = 0;
  std::array<double, speech::kParts> parts{};

  double total() const;
  StageTimes& operator+=(const StageTimes& other);
  /// A share of it, as of one utterance of a batch.
  StageTimes over(size_t utterances) const;
};

/// A recording, recognized: of a long one the segments in order.
struct Transcript {
  struct Part {
    double start = 0;  ///< Seconds.
    speech::Recognition recognition;
  };
  std::vector<Part> parts;
  double seconds_audio = 0;
  int64_t feature_frames = 0;
  StageTimes times;

  /// The words of all parts; of their translations.
  std::string text(bool translated) const;
};

/// Runs batches of utterances and notes how long they took.
class Transcriber {
 public:
  Transcriber(speech::Recognizer& recognizer, const speech::RecognizerSettings& settings,
              const Global& global)
      : recognizer_(&recognizer), settings_(settings), global_(&global) {
    monitor_.deadline = global.deadline();
  }

  /// One recording, segment by segment; memory doesn't depend on its length.
  Result<Transcript> file(const std::string& path) const;
  /// One batch.
  Result<std::vector<speech::Recognition>> run(std::span<const std::vector<float>> utterances,
                                               StageTimes& times) const;
  const speech::Bundle& bundle() const { return recognizer_->bundle(); }
  /// Shows `listener` the inputs of every graph's runs.
  template <typename F>
  void listen(F listener) {
    monitor_.listener = std::move(listener);
  }

 private:
  speech::Recognizer* recognizer_;
  speech::RecognizerSettings settings_;
  const Global* global_;
  speech::Monitor monitor_;
};

/// Seconds since `start`.
double seconds_since(std::chrono::steady_clock::time_point start);

/// `octet transcribe` and `octet translate`, which differ in what they print.
void add_recognition_verb(CLI::App& app, Global& global, int& exit_code, bool translates);

}  // namespace octet::cli
