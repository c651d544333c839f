#include "speech/ctc_stream.h"

#include <algorithm>

#include "speech/encode.h"
#include "speech/recognizer.h"

namespace octet::speech {

CtcStream::CtcStream(Recognizer& recognizer, size_t beam)
    : recognizer_(&recognizer),
      streaming_(*recognizer.bundle().streaming),
      encoder_(*recognizer.graph(Part::encoder), streaming_),
      greedy_(recognizer.bundle().tokens.size(), recognizer.bundle().blank),
      search_(recognizer.bundle().tokens.size(), recognizer.bundle().blank, beam),
      beam_(beam) {}

Expected<CtcStream> CtcStream::of(Recognizer& recognizer, size_t beam) {
  if (!recognizer.bundle().streaming)
    return Failure{OCTET_INVALID_ARGUMENT,
                   recognizer.bundle().folder + ": the bundle has no streaming encoder"};
  return CtcStream(recognizer, beam);
}

Expected<bool> CtcStream::push(std::span<const float> samples, Monitor& monitor) {
  samples_.insert(samples_.end(), samples.begin(), samples.end());
  return take(false, monitor);
}

Expected<bool> CtcStream::finish(Monitor& monitor) { return take(true, monitor); }

// Frame t is made of the samples from t * hop to t * hop + window.
Expected<bool> CtcStream::take(bool last, Monitor& monitor) {
  const auto [chunk, context, hop, window] = streaming_;
  size_t frames = samples_.size() < window ? 0 : (samples_.size() - window) / hop + 1;
  if (!last) frames -= frames % (chunk - context);
  std::vector<float> features;
  if (frames > 0) {
    auto made = features_of(frames, monitor);
    if (!made) return made.failure();
    features = std::move(*made);
    samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(frames * hop));
  }
  if (features.empty() && (!last || width_ == 0)) return false;
  std::vector<float> encoded;
  if (auto failure = encoder_.push(features, width_, last, encoded, monitor)) return *failure;
  if (encoded.empty()) return false;
  const auto width = static_cast<int64_t>(encoder_.encoded_width());
  const int64_t count = static_cast<int64_t>(encoded.size()) / width;
  auto scores = run_named(*recognizer_->graph(Part::ctc),
                          {{"encoded", {encoded, {1, count, width}}}}, monitor);
  if (!scores) return scores.failure();
  const auto log_probs = scores->values<float>(*recognizer_->graph(Part::ctc)->output("log_probs"));
  if (beam_ == 0)
    greedy_.push(log_probs);
  else
    search_.push(log_probs);
  encoder_frames_ += count;
  return true;
}

Expected<std::vector<float>> CtcStream::features_of(size_t frames, Monitor& monitor) {
  Graph& graph = *recognizer_->graph(Part::features);
  const size_t used = (frames - 1) * streaming_.hop_samples + streaming_.window_samples;
  const std::vector<int64_t> lengths = {static_cast<int64_t>(used)};
  auto results =
      run_named(graph,
                {{"waveform", {std::span<const float>(samples_).first(used), {1, lengths[0]}}},
                 {"lengths", {lengths, {1}}}},
                monitor);
  if (!results) return results.failure();
  const size_t at = *graph.output("features");
  const auto dims = results->dims(at);
  const auto values = results->values<float>(at);
  if (dims.size() != 3 || dims[1] != static_cast<int64_t>(frames))
    return graph.failed("makes another number of frames than 'hop_samples' and 'window_samples'");
  width_ = static_cast<size_t>(dims[2]);
  return std::vector<float>(values.begin(), values.end());
}

Hypothesis CtcStream::partial() const {
  Hypothesis hypothesis;
  if (beam_ == 0) {
    hypothesis.tokens = greedy_.tokens();
    hypothesis.ctc = greedy_.log_prob();
  } else {
    auto best = search_.best(1);
    hypothesis.tokens = std::move(best[0].tokens);
    hypothesis.ctc = best[0].log_prob;
  }
  hypothesis.score = hypothesis.ctc;
  hypothesis.text = recognizer_->bundle().tokens.text(hypothesis.tokens);
  return hypothesis;
}

}  // namespace octet::speech
