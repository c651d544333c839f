#pragma once

#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "speech/beam_search.h"
#include "speech/bundle.h"
#include "speech/graph.h"

namespace octet::speech {

struct NamedInput {
  std::string_view name;
  TensorRef tensor;
};

/// Runs a graph whose inputs have these names, in any order.
Expected<Results> run_named(Graph& graph, std::vector<NamedInput> inputs, Monitor& monitor);

/// The graphs from samples to CTC's log-probabilities.
struct EncoderGraphs {
  Graph& features;
  Graph& encoder;
  Graph& ctc;
  size_t vocabulary;
  int sample_rate;
  std::optional<StreamingBundle> streaming;
  std::vector<float>& waveform;  ///< Where utterances are padded; it keeps its memory.
};

/// Utterances as the encoder gives them.
struct EncodedBatch {
  std::vector<int64_t> feature_lengths;
  std::vector<int64_t> lengths;  ///< Frames of the encoder, an utterance.
  std::vector<float> rows;       ///< [utterances, frames(), width]
  std::vector<float> scores;     ///< log_probs: [utterances, frames(), vocabulary]
  size_t width = 0;
  size_t vocabulary = 0;

  size_t size() const { return lengths.size(); }
  /// Of the longest utterance, and zeros up to a multiple of 16: fewer shapes for the decoder to
  /// see.
  int64_t frames() const;
  TensorRef encoded() const;
  /// [frames, vocabulary] of one utterance.
  std::span<const float> log_probs(size_t utterance) const;
};

Expected<EncodedBatch> encode_batch(const EncoderGraphs& graphs,
                                    std::span<const std::vector<float>> utterances,
                                    Monitor& monitor);

/// Hypotheses of CTC alone: the greedy one with a beam of 0, else those of CtcPrefixBeam.
std::vector<Hypothesis> ctc_hypotheses(std::span<const float> log_probs, size_t vocabulary,
                                       int64_t blank, size_t beam, size_t best);

/// How many tokens an utterance of so many encoder frames may have.
size_t max_tokens(const SearchSettings& settings, int64_t frames);

}  // namespace octet::speech
