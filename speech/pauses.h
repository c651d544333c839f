#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "octet/octet.hpp"
#include "speech/audio.h"

namespace octet::speech {

/// A part of a recording.
struct Segment {
  int64_t start = 0;  ///< In samples, of the whole recording.
  std::vector<float> samples;
};

/// Cuts a stream of samples into segments of at most `longest` samples. A segment that would be
/// longer ends in the middle of the quietest 0.3 s (by energy, in steps of 10 ms) of its last three
/// quarters, at the latest of several equal ones. Holds no more than `longest` samples and a block.
class PauseCutter {
 public:
  PauseCutter(int sample_rate, double longest_seconds);

  void push(std::span<const float> samples);
  /// After it, `next` gives what is left.
  void finish() { finished_ = true; }
  /// The next segment if it is complete.
  std::optional<Segment> next();

 private:
  size_t cut() const;

  size_t step_;     // 10 ms.
  size_t longest_;  // A multiple of step_.
  bool finished_ = false;
  int64_t start_ = 0;
  std::vector<float> buffer_;
};

/// The segments of a recording, one at a time; bounded memory.
class SegmentReader {
 public:
  static Expected<SegmentReader> open(const std::string& path, int sample_rate,
                                      double longest_seconds);
  /// Nothing at the end.
  Expected<std::optional<Segment>> next();

 private:
  SegmentReader(AudioReader reader, PauseCutter cutter)
      : reader_(std::move(reader)), cutter_(std::move(cutter)) {}
  AudioReader reader_;
  PauseCutter cutter_;
};

/// Whether nothing in it reaches -80 dB of full scale.
bool is_silent(std::span<const float> samples);

}  // namespace octet::speech
