#pragma once

#include <optional>
#include <span>
#include <vector>

#include "speech/bundle.h"
#include "speech/graph.h"

namespace octet::speech {

/// Runs an encoder that takes chunks: its state results are the next chunk's states where they lie.
class ChunkEncoder {
 public:
  /// The graph outlives it.
  ChunkEncoder(Graph& encoder, const StreamingBundle& streaming)
      : graph_(&encoder), streaming_(streaming) {}

  /// Takes frames of features, [frames, width], and appends what the encoder makes of whole chunks
  /// to `encoded`; of all that is left where `last`.
  Outcome push(std::span<const float> features, size_t width, bool last,
               std::vector<float>& encoded, Monitor& monitor);
  /// Of the encoder's frames; 0 before the first.
  size_t encoded_width() const { return encoded_width_; }

 private:
  Outcome run_chunk(size_t frames, size_t width, std::vector<float>& encoded, Monitor& monitor);
  Outcome bind_states(std::vector<TensorRef>& inputs);

  Graph* graph_;
  StreamingBundle streaming_;
  std::vector<float> waiting_;  // Frames, with the context of the next chunk.
  size_t known_ = 0;            // How many of them are that context.
  size_t encoded_width_ = 0;
  std::optional<Results> before_;  // The last chunk's, whose states are read next.
  std::vector<std::vector<float>> zeros_;
};

}  // namespace octet::speech
