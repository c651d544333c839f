#pragma once

#include <string>
#include <vector>

#include "speech/beam_search.h"
#include "speech/stepper.h"

namespace octet::speech {

/// An input of a decoder that stays the same over all steps; a row (axis 0) an utterance.
struct Context {
  std::string name;
  TensorRef rows;
};

/// What steps a search; both null: it steps on CTC scores alone.
struct StepGraphs {
  Stepper* decoder = nullptr;
  Stepper* lm = nullptr;
  size_t vocabulary = 0;
  std::span<const Context> contexts;  ///< The decoder's, for all utterances.
};

struct Decoded {
  std::vector<BeamSearch::Ended> best;
  /// The decoder's `hidden` rows of best[0], step after step, the start's first; [steps, width].
  std::vector<float> hidden;
  size_t hidden_width = 0;
};

/// Runs the searches, one an utterance, to their ends; the hypotheses of all of them that are open
/// make one call of each graph a step.
Expected<std::vector<Decoded>> decode(const StepGraphs& graphs, std::vector<BeamSearch> searches,
                                      const SearchSettings& settings, Monitor& monitor);

}  // namespace octet::speech
