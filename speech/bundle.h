#pragma once

#include <optional>
#include <string>
#include <vector>

#include "speech/tokens.h"

namespace octet::speech {

/// How hypotheses are searched and scored.
struct SearchSettings {
  size_t beam = 8;
  /// w of (1 - w) attention + w CTC + lm_weight LM + length_bonus a token; 0 to 1.
  double ctc_weight = 0.3;
  double lm_weight = 0.0;
  double length_bonus = 0.0;
  /// The final ranking is by score / (tokens + 1)^this; 0: by the score.
  double length_normalization = 0.0;
  double max_length_ratio = 1.0;  ///< Tokens per encoder frame at most.
  size_t best = 1;                ///< Hypotheses wanted.
};

/// The second decoder of a speech translator.
struct TranslationBundle {
  std::string bridge;
  std::string memory;
  std::string decoder;
  Tokens tokens;
  int64_t start = 0;
  int64_t end = 0;
  SearchSettings search;
};

/// An encoder that takes chunks: frames a call, of which the first `context_frames` repeat the last
/// ones of the call before; samples between frames and under one.
struct StreamingBundle {
  size_t chunk_frames = 0;
  size_t context_frames = 0;
  size_t hop_samples = 0;
  size_t window_samples = 0;
};

/// A speech bundle (docs/speech.md): where its graphs are, and what bundle.json says besides. Paths
/// of optional graphs are empty where the bundle has none.
struct Bundle {
  std::string folder;
  int sample_rate = 16000;
  double longest_seconds = 20;  ///< Longer recordings are cut at pauses.
  std::string features;
  std::string encoder;
  std::string ctc;
  std::string memory;
  std::string decoder;
  std::string lm;
  Tokens tokens;
  int64_t blank = 0;
  int64_t start = 0;
  int64_t end = 0;
  SearchSettings search;
  std::optional<TranslationBundle> translation;
  std::optional<StreamingBundle> streaming;

  bool translates() const { return translation.has_value(); }
  /// Every file of the folder that bundle.json names, without the graphs.
  std::vector<std::string> other_files;
};

/// Whether the path is a folder with a bundle.json.
bool is_bundle(const std::string& path);

/// Reads bundle.json and the token files. Fails, naming the key and the cause; unknown keys are
/// refused.
Expected<Bundle> read_bundle(const std::string& folder);

}  // namespace octet::speech
