#include "speech/chunk_encoder.h"

#include <algorithm>

namespace octet::speech {

Outcome ChunkEncoder::push(std::span<const float> features, size_t width, bool last,
                           std::vector<float>& encoded, Monitor& monitor) {
  waiting_.insert(waiting_.end(), features.begin(), features.end());
  for (;;) {
    const size_t frames = waiting_.size() / width;
    const size_t taken = std::min(frames, streaming_.chunk_frames);
    if (taken <= known_ || (taken < streaming_.chunk_frames && !last)) return std::nullopt;
    if (auto failure = run_chunk(taken, width, encoded, monitor)) return failure;
    known_ = std::min(streaming_.context_frames, taken);
    const size_t dropped = (taken - known_) * width;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(dropped));
  }
}

// Zeros at first; extents that the model leaves free begin at 0, the first at 1.
Outcome ChunkEncoder::bind_states(std::vector<TensorRef>& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Port& port = graph_->inputs()[i];
    if (port.name.rfind("state.", 0) != 0) continue;
    const auto next = graph_->output("next." + port.name.substr(6));
    if (!next || port.dtype != OCTET_FLOAT || port.dims.empty())
      return graph_->failed("'" + port.name + "' is no float state with a result 'next.'");
    if (before_) {
      const octet_tensor t = (*before_)[*next];
      inputs[i] = TensorRef(t.dtype, t.data, t.bytes, before_->dims(*next));
      continue;
    }
    std::vector<int64_t> dims = port.dims;
    size_t count = 1;
    for (size_t d = 0; d < dims.size(); ++d) {
      dims[d] = std::max<int64_t>(dims[d], d == 0 ? 1 : 0);
      count *= static_cast<size_t>(dims[d]);
    }
    zeros_.emplace_back(count, 0.0F);
    inputs[i] = TensorRef(zeros_.back(), dims);
  }
  return std::nullopt;
}

Outcome ChunkEncoder::run_chunk(size_t frames, size_t width, std::vector<float>& encoded,
                                Monitor& monitor) {
  const std::vector<int64_t> lengths = {static_cast<int64_t>(frames)};
  std::vector<TensorRef> inputs;
  for (const Port& port : graph_->inputs()) inputs.emplace_back(port.dtype, nullptr, 0, port.dims);
  const auto features = graph_->input("features");
  const auto lengths_at = graph_->input("lengths");
  const auto rows_at = graph_->output("encoded");
  const auto count_at = graph_->output("encoded_lengths");
  if (!features || !lengths_at || !rows_at || !count_at)
    return graph_->failed("isn't from 'features', 'lengths' to 'encoded', 'encoded_lengths'");
  inputs[*features] = TensorRef(std::span<const float>(waiting_).first(frames * width),
                                {1, lengths[0], static_cast<int64_t>(width)});
  inputs[*lengths_at] = TensorRef(lengths, {1});
  if (auto failure = bind_states(inputs)) return failure;
  auto results = graph_->run(inputs, monitor);
  if (!results) return results.failure();
  const auto dims = results->dims(*rows_at);
  const auto counts = results->values<int64_t>(*count_at);
  const auto rows = results->values<float>(*rows_at);
  if (dims.size() != 3 || dims[0] != 1 || counts.size() != 1 || counts[0] < 0 ||
      counts[0] > dims[1] || rows.size() != static_cast<size_t>(dims[1] * dims[2]))
    return graph_->failed("'encoded' and 'encoded_lengths' aren't a chunk's");
  encoded_width_ = static_cast<size_t>(dims[2]);
  encoded.insert(encoded.end(), rows.begin(), rows.begin() + counts[0] * dims[2]);
  before_.emplace(std::move(*results));
  return std::nullopt;
}

}  // namespace octet::speech
