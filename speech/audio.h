#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "octet/octet.hpp"

namespace octet::speech {

/// Empty when it worked.
using Outcome = std::optional<Failure>;

/// A recording that can't be used, or another input from outside.
inline Failure bad_data(std::string message) { return {OCTET_INVALID_DATA, std::move(message)}; }

/// Reads a recording block by block: WAV, FLAC and what else libsndfile knows; channels are
/// averaged, samples are at the rate asked for (libsoxr's high quality: 20 bits). Memory doesn't
/// depend on the recording's length.
class AudioReader {
 public:
  /// Rates in Hz that recordings may have.
  static constexpr int kLowestRate = 8000;
  static constexpr int kHighestRate = 192000;

  /// Fails, naming the file and the cause: no such file, empty, no audio, no samples, other rates.
  static Expected<AudioReader> open(const std::string& path, int sample_rate);
  ~AudioReader();
  AudioReader(AudioReader&&) noexcept;
  AudioReader& operator=(AudioReader&&) noexcept;

  /// The next samples, nominally in -1..1; none at the end. Valid until the next call. Fails on
  /// what isn't finite.
  Expected<std::span<const float>> read();

 private:
  struct State;
  explicit AudioReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A whole recording.
Expected<std::vector<float>> read_audio(const std::string& path, int sample_rate);

}  // namespace octet::speech
