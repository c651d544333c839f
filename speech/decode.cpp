#include "speech/decode.h"

#include <algorithm>
#include <cstring>

namespace octet::speech {
namespace {

// The search of one utterance among those that run.
struct Lane {
  size_t utterance;
  BeamSearch search;
  size_t first = 0;                        // Row of the step,
  size_t rows = 1;                         // and how many, with rows whose results nobody wants.
  std::vector<std::vector<float>> hidden;  // By step.
};

// A lane keeps its number of rows, so that the graphs see few shapes, and the rows of contexts are
// copied only when an utterance has ended.
class Decoder {
 public:
  Decoder(const StepGraphs& graphs, const SearchSettings& settings, Monitor& monitor)
      : graphs_(graphs),
        settings_(settings),
        monitor_(monitor),
        decoder_(graphs.decoder),
        lm_(graphs.lm),
        tiles_(graphs.contexts.size()) {}

  Expected<std::vector<Decoded>> run(std::vector<BeamSearch> searches) {
    for (Stepper* stepper : {graphs_.decoder, graphs_.lm})
      if (stepper != nullptr) stepper->begin();
    std::vector<Decoded> results(searches.size());
    for (size_t i = 0; i < searches.size(); ++i)
      lanes_.push_back({i, std::move(searches[i]), 0, 1, {}});
    while (!lanes_.empty()) {
      if (auto failure = step()) return *failure;
      for (const Lane& lane : lanes_)
        if (lane.search.done()) results[lane.utterance] = finished(lane);
      std::erase_if(lanes_, [](const Lane& lane) { return lane.search.done(); });
    }
    return results;
  }

 private:
  Outcome step() {
    place_rows();
    if (decoder_ != nullptr) {
      if (auto failure = bind_contexts()) return failure;
      if (auto failure = decoder_->step(tokens_, parents_, monitor_)) return failure;
    }
    if (lm_ != nullptr)
      if (auto failure = lm_->step(tokens_, parents_, monitor_)) return failure;
    for (Lane& lane : lanes_) {
      const size_t rows = lane.search.tokens().size();
      const auto part = [&](const Stepper* stepper) {
        return stepper != nullptr ? stepper->log_probs().subspan(lane.first * graphs_.vocabulary,
                                                                 rows * graphs_.vocabulary)
                                  : std::span<const float>();
      };
      if (decoder_ != nullptr && decoder_->hidden_width() > 0) keep_hidden(lane, rows);
      lane.search.advance(part(decoder_), part(lm_));
    }
    return std::nullopt;
  }

  void place_rows() {
    tokens_.clear();
    parents_.clear();
    for (Lane& lane : lanes_) {
      const size_t before = lane.first;
      const auto& tokens = lane.search.tokens();
      const auto& parents = lane.search.parents();
      lane.first = tokens_.size();
      lane.rows = first_step_ ? tokens.size() : settings_.beam;
      for (size_t i = 0; i < lane.rows; ++i) {
        const size_t from = i < tokens.size() ? i : 0;
        tokens_.push_back(tokens[from]);
        parents_.push_back(first_step_ ? 0 : static_cast<int64_t>(before) + parents[from]);
      }
    }
    first_step_ = false;
  }

  // A single utterance's rows are taken where they lie; a decoder spreads one row over all.
  Outcome bind_contexts() {
    std::vector<std::pair<size_t, size_t>> layout;
    for (const Lane& lane : lanes_)
      layout.emplace_back(lane.utterance, lanes_.size() == 1 ? 1 : lane.rows);
    if (layout == layout_) return std::nullopt;
    layout_ = std::move(layout);
    for (size_t i = 0; i < tiles_.size(); ++i) {
      const Context& context = graphs_.contexts[i];
      TensorRef tile = context.rows;
      const size_t row_bytes = tile.bytes / static_cast<size_t>(tile.dims[0]);
      const auto* rows = static_cast<const std::byte*>(context.rows.data);
      if (layout_.size() == 1) {
        tile.data = const_cast<std::byte*>(rows + layout_[0].first * row_bytes);
        tile.bytes = row_bytes;
        tile.dims[0] = 1;
      } else {
        tile.dims[0] = static_cast<int64_t>(tokens_.size());
        tile.bytes = tokens_.size() * row_bytes;
        tiles_[i].resize(tile.bytes);
        std::byte* to = tiles_[i].data();
        for (const auto& [utterance, count] : layout_)
          for (size_t k = 0; k < count; ++k, to += row_bytes)
            std::memcpy(to, rows + utterance * row_bytes, row_bytes);
        tile.data = tiles_[i].data();
      }
      if (auto failure = decoder_->bind(context.name, tile)) return failure;
    }
    return std::nullopt;
  }

  void keep_hidden(Lane& lane, size_t rows) {
    const size_t width = decoder_->hidden_width();
    const auto values = decoder_->hidden().subspan(lane.first * width, rows * width);
    lane.hidden.emplace_back(values.begin(), values.end());
  }

  Decoded finished(const Lane& lane) const {
    Decoded decoded;
    decoded.best = lane.search.best();
    if (lane.hidden.empty()) return decoded;
    const size_t width = decoder_->hidden_width();
    decoded.hidden_width = width;
    const auto& rows = decoded.best[0].rows;
    for (size_t step = 0; step < rows.size(); ++step) {
      const auto row = lane.hidden[step].begin() + static_cast<std::ptrdiff_t>(rows[step] * width);
      decoded.hidden.insert(decoded.hidden.end(), row, row + static_cast<std::ptrdiff_t>(width));
    }
    return decoded;
  }

  const StepGraphs& graphs_;
  const SearchSettings& settings_;
  Monitor& monitor_;
  Stepper* decoder_;
  Stepper* lm_;
  std::vector<Lane> lanes_;
  bool first_step_ = true;
  std::vector<int64_t> tokens_;
  std::vector<int64_t> parents_;
  std::vector<std::pair<size_t, size_t>> layout_;  // Utterances and their rows in the contexts.
  std::vector<std::vector<std::byte>> tiles_;
};

}  // namespace

Expected<std::vector<Decoded>> decode(const StepGraphs& graphs, std::vector<BeamSearch> searches,
                                      const SearchSettings& settings, Monitor& monitor) {
  return Decoder(graphs, settings, monitor).run(std::move(searches));
}

}  // namespace octet::speech
