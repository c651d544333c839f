#include "speech/encode.h"

#include <algorithm>
#include <cmath>

#include "speech/chunk_encoder.h"
#include "speech/ctc.h"

namespace octet::speech {
namespace {

constexpr int64_t kFrameStep = 16;

Failure wrong_output(const Graph& graph, const char* name) {
  return graph.failed(std::string("'") + name + "' isn't what a bundle's graph gives there");
}

// The lengths of a batch's rows; none beyond `most`.
Expected<std::vector<int64_t>> lengths_of(const Graph& graph, const Results& results,
                                          const char* name, size_t rows, int64_t most) {
  const auto values = results.values<int64_t>(*graph.output(name));
  if (values.size() != rows || std::any_of(values.begin(), values.end(), [&](int64_t length) {
        return length < 0 || length > most;
      }))
    return wrong_output(graph, name);
  return std::vector<int64_t>(values.begin(), values.end());
}

// Values of [rows, any, any], where the results lie.
Expected<std::span<const float>> rows_of(const Graph& graph, const Results& results,
                                         const char* name, size_t rows) {
  const size_t at = *graph.output(name);
  const auto dims = results.dims(at);
  const auto values = results.values<float>(at);
  if (dims.size() != 3 || dims[0] != static_cast<int64_t>(rows) ||
      values.size() != static_cast<size_t>(dims[0] * dims[1] * dims[2]))
    return wrong_output(graph, name);
  return values;
}

// All rows in one run.
Outcome encode_whole(const EncoderGraphs& graphs, const TensorRef& features, EncodedBatch& batch,
                     Monitor& monitor) {
  const size_t count = batch.feature_lengths.size();
  auto encoded = run_named(
      graphs.encoder,
      {{"features", features}, {"lengths", {batch.feature_lengths, {static_cast<int64_t>(count)}}}},
      monitor);
  if (!encoded) return encoded.failure();
  const auto dims = encoded->dims(*graphs.encoder.output("encoded"));
  auto rows = rows_of(graphs.encoder, *encoded, "encoded", count);
  if (!rows) return rows.failure();
  auto lengths = lengths_of(graphs.encoder, *encoded, "encoded_lengths", count, dims[1]);
  if (!lengths) return lengths.failure();
  batch.lengths = std::move(*lengths);
  batch.width = static_cast<size_t>(dims[2]);
  const size_t most = static_cast<size_t>(batch.frames()) * batch.width;
  const size_t stride = static_cast<size_t>(dims[1]) * batch.width;
  for (size_t i = 0; i < count; ++i) {
    const auto row = rows->begin() + static_cast<std::ptrdiff_t>(i * stride);
    batch.rows.insert(batch.rows.end(), row,
                      row + static_cast<std::ptrdiff_t>(std::min(most, stride)));
    batch.rows.resize((i + 1) * most, 0.0F);
  }
  return std::nullopt;
}

// Row by row, each chunk by chunk.
Outcome encode_chunks(const EncoderGraphs& graphs, const TensorRef& features, EncodedBatch& batch,
                      Monitor& monitor) {
  const auto* values = static_cast<const float*>(features.data);
  const auto stride = static_cast<size_t>(features.dims[1] * features.dims[2]);
  const auto width = static_cast<size_t>(features.dims[2]);
  std::vector<std::vector<float>> rows;
  for (size_t i = 0; i < batch.feature_lengths.size(); ++i) {
    ChunkEncoder encoder(graphs.encoder, *graphs.streaming);
    const size_t frames = static_cast<size_t>(batch.feature_lengths[i]);
    if (auto failure = encoder.push({values + i * stride, frames * width}, width, true,
                                    rows.emplace_back(), monitor))
      return failure;
    batch.width = std::max(batch.width, encoder.encoded_width());
  }
  for (const auto& row : rows)
    batch.lengths.push_back(batch.width == 0 ? 0 : static_cast<int64_t>(row.size() / batch.width));
  const size_t most = static_cast<size_t>(batch.frames()) * batch.width;
  for (auto& row : rows) {
    row.resize(most, 0.0F);
    batch.rows.insert(batch.rows.end(), row.begin(), row.end());
  }
  return std::nullopt;
}

}  // namespace

Expected<Results> run_named(Graph& graph, std::vector<NamedInput> inputs, Monitor& monitor) {
  std::vector<TensorRef> ordered;
  for (const Port& port : graph.inputs()) {
    const auto at = std::find_if(inputs.begin(), inputs.end(),
                                 [&](const NamedInput& input) { return input.name == port.name; });
    if (at == inputs.end()) return graph.failed("has an unknown input '" + port.name + "'");
    ordered.push_back(at->tensor);
  }
  return graph.run(ordered, monitor);
}

int64_t EncodedBatch::frames() const {
  const int64_t longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
  return (longest + kFrameStep - 1) / kFrameStep * kFrameStep;
}

TensorRef EncodedBatch::encoded() const {
  return {rows, {static_cast<int64_t>(size()), frames(), static_cast<int64_t>(width)}};
}

std::span<const float> EncodedBatch::log_probs(size_t utterance) const {
  const size_t row = static_cast<size_t>(frames()) * vocabulary;
  return std::span(scores).subspan(utterance * row,
                                   static_cast<size_t>(lengths[utterance]) * vocabulary);
}

Expected<EncodedBatch> encode_batch(const EncoderGraphs& graphs,
                                    std::span<const std::vector<float>> utterances,
                                    Monitor& monitor) {
  // Whole quarters of a second: fewer shapes for the graphs to see, a window fits into one, and
  // padding adds no frames.
  const size_t quarter = static_cast<size_t>(graphs.sample_rate) / 4;
  size_t longest = quarter;
  EncodedBatch batch;
  batch.vocabulary = graphs.vocabulary;
  std::vector<int64_t> samples;
  for (const auto& utterance : utterances) {
    samples.push_back(static_cast<int64_t>(utterance.size()));
    longest = std::max(longest, utterance.size());
  }
  longest = (longest + quarter - 1) / quarter * quarter;
  const auto count = static_cast<int64_t>(utterances.size());
  std::vector<float>& waveform = graphs.waveform;
  waveform.resize(utterances.size() * longest);
  auto at = waveform.begin();
  for (const auto& utterance : utterances) {
    const auto end = at + static_cast<std::ptrdiff_t>(longest);
    std::fill(std::copy(utterance.begin(), utterance.end(), at), end, 0.0F);
    at = end;
  }
  auto features = run_named(graphs.features,
                            {{"waveform", {waveform, {count, static_cast<int64_t>(longest)}}},
                             {"lengths", {samples, {count}}}},
                            monitor);
  if (!features) return features.failure();
  const size_t features_at = *graphs.features.output("features");
  const auto frames = features->dims(features_at);
  if (frames.size() != 3) return wrong_output(graphs.features, "features");
  auto feature_lengths =
      lengths_of(graphs.features, *features, "feature_lengths", utterances.size(), frames[1]);
  if (!feature_lengths) return feature_lengths.failure();
  batch.feature_lengths = std::move(*feature_lengths);
  const octet_tensor values = (*features)[features_at];
  const TensorRef rows(values.dtype, values.data, values.bytes, frames);
  if (auto failure = graphs.streaming ? encode_chunks(graphs, rows, batch, monitor)
                                      : encode_whole(graphs, rows, batch, monitor))
    return *failure;
  const auto most = static_cast<size_t>(batch.frames());
  if (most == 0) return batch;
  auto log_probs = run_named(graphs.ctc, {{"encoded", batch.encoded()}}, monitor);
  if (!log_probs) return log_probs.failure();
  auto scores = rows_of(graphs.ctc, *log_probs, "log_probs", utterances.size());
  if (!scores) return scores.failure();
  if (scores->size() != utterances.size() * most * graphs.vocabulary)
    return wrong_output(graphs.ctc, "log_probs");
  batch.scores.assign(scores->begin(), scores->end());
  return batch;
}

std::vector<Hypothesis> ctc_hypotheses(std::span<const float> log_probs, size_t vocabulary,
                                       int64_t blank, size_t beam, size_t best) {
  std::vector<Hypothesis> list;
  const auto add = [&](std::vector<int64_t> tokens, double log_prob) {
    Hypothesis& hypothesis = list.emplace_back();
    hypothesis.tokens = std::move(tokens);
    hypothesis.score = hypothesis.ctc = log_prob;
  };
  if (beam == 0) {
    GreedyCtc greedy(vocabulary, blank);
    greedy.push(log_probs);
    add(greedy.tokens(), greedy.log_prob());
    return list;
  }
  CtcPrefixBeam search(vocabulary, blank, beam);
  search.push(log_probs);
  for (auto& labels : search.best(best)) add(std::move(labels.tokens), labels.log_prob);
  return list;
}

size_t max_tokens(const SearchSettings& settings, int64_t frames) {
  return static_cast<size_t>(
      std::max(std::ceil(settings.max_length_ratio * static_cast<double>(frames)), 0.0));
}

}  // namespace octet::speech
