#pragma once

#include <vector>

#include "speech/beam_search.h"
#include "speech/chunk_encoder.h"
#include "speech/ctc.h"

namespace octet::speech {

class Recognizer;

/// Recognizes one utterance by CTC while it is spoken: a bundle with "streaming". Memory doesn't
/// depend on how long it is, but for the labels.
class CtcStream {
 public:
  /// The recognizer outlives it, and doesn't run meanwhile. beam 0: greedy. Fails where the
  /// bundle's encoder takes no chunks.
  static Expected<CtcStream> of(Recognizer& recognizer, size_t beam);

  /// The next samples, any number, at the bundle's rate. Whether the partial result may have
  /// changed.
  Expected<bool> push(std::span<const float> samples, Monitor& monitor);
  /// No more samples follow.
  Expected<bool> finish(Monitor& monitor);
  /// What was heard so far, its text included.
  Hypothesis partial() const;
  int64_t encoder_frames() const { return encoder_frames_; }

 private:
  CtcStream(Recognizer& recognizer, size_t beam);
  Expected<bool> take(bool last, Monitor& monitor);
  Expected<std::vector<float>> features_of(size_t frames, Monitor& monitor);

  Recognizer* recognizer_;
  StreamingBundle streaming_;
  ChunkEncoder encoder_;
  GreedyCtc greedy_;
  CtcPrefixBeam search_;
  size_t beam_;
  size_t width_ = 0;  // Of features.
  int64_t encoder_frames_ = 0;
  std::vector<float> samples_;  // From the next frame on.
};

}  // namespace octet::speech
