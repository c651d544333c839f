#pragma once

#include <memory>
#include <string>
#include <vector>

#include "speech/beam_search.h"
#include "speech/bundle.h"
#include "speech/stepper.h"

namespace octet::speech {

enum class Method : uint8_t {
  beam,    ///< BeamSearch over decoder, CTC and language model, as the weights say.
  greedy,  ///< GreedyCtc.
  prefix,  ///< CtcPrefixBeam.
};

struct RecognizerSettings {
  Method method = Method::beam;
  SearchSettings search;
  SearchSettings translation;
  bool translate = true;  ///< Of a bundle that translates: whether to.
};

/// What was made of one utterance.
struct Recognition {
  std::vector<Hypothesis> best;         ///< The best first; never empty.
  std::vector<Hypothesis> translation;  ///< Of a bundle that translates.
  int64_t feature_frames = 0;
  int64_t encoder_frames = 0;
};

/// A bundle, loaded. Calls are made from one thread at a time.
class Recognizer {
 public:
  /// Fails, naming the file and the cause, when a graph's inputs or outputs aren't a bundle's.
  static Expected<Recognizer> load(const std::string& folder, const Options& options = {});

  const Bundle& bundle() const { return bundle_; }
  /// The bundle's own.
  RecognizerSettings settings() const;
  /// Utterances are mono, at the bundle's rate, and make one batch: shorter ones are padded.
  Expected<std::vector<Recognition>> run(std::span<const std::vector<float>> utterances,
                                         const RecognizerSettings& settings, Monitor& monitor);
  /// Null where the bundle has none.
  Graph* graph(Part part);

 private:
  struct Encoded;
  explicit Recognizer(Bundle bundle) : bundle_(std::move(bundle)) {}
  Outcome load_graphs(const Options& options);
  Outcome check(const RecognizerSettings& settings) const;
  Expected<Stepper*> stepper(Part part, size_t vocabulary);
  Expected<Encoded> encode(std::span<const std::vector<float>> utterances, Monitor& monitor);
  Outcome search(Encoded& encoded, const RecognizerSettings& settings, Monitor& monitor);
  Outcome translate(Encoded& encoded, const RecognizerSettings& settings, Monitor& monitor);
  Expected<std::vector<struct Decoded>> search_translation(Encoded& encoded, const Results& bridged,
                                                           const SearchSettings& settings,
                                                           Monitor& monitor);

  Bundle bundle_;
  std::vector<std::unique_ptr<Graph>> graphs_;  // By Part; null where the bundle has none.
  std::vector<float> waveform_;
  std::vector<std::optional<Stepper>> steppers_;  // Of those that step, and had to.
};

}  // namespace octet::speech
