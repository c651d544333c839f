#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/quant/channel_region.h"
#include "engine/quant/channel_statistics.h"
#include "engine/quant/observer.h"

namespace octet::quant {

/// What is known of one value. A statistic that nobody asked for is absent.
struct ValueStats {
  std::optional<Observer> range;
  /// By the axes of the channels.
  std::map<std::vector<size_t>, ChannelStatistics> channels;
};

/// Statistics of the named values of one model. Ask first (`want_*`), then show it the values of
/// each run (`add`), or merge what other machines observed. Memory depends on what was asked for,
/// not on the samples.
class Observations {
 public:
  explicit Observations(std::string model = {}) : model_(std::move(model)) {}

  void want_range(const std::string& value);
  void want_channels(const std::string& value, const std::vector<size_t>& axes);

  /// One value of one sample, in any layout; values that nobody wants and types other than f32 are
  /// passed over. Fails, naming the value, on what is infinite or not a number.
  Status add(std::string_view value, const TensorView& view);
  void set_samples(size_t samples) { samples_ = samples; }

  /// Adds what `other` observed. Fails when it is of another model. Channels are kept where both
  /// observed them.
  Status merge(const Observations& other);
  /// scale_region(), and what is known of its values follows: channels with the factors, ranges as
  /// the extremes of these (without counts).
  void scale(Graph& graph, const ChannelRegion& region, const std::vector<float>& factors);

  /// Null when the value wasn't asked for or no sample had it.
  const Observer* range(std::string_view value) const;
  const ChannelStatistics* channels(std::string_view value, const std::vector<size_t>& axes) const;

  size_t samples() const { return samples_; }
  const std::string& model() const { return model_; }
  const std::map<std::string, ValueStats, std::less<>>& values() const { return values_; }
  void insert(std::string value, ValueStats stats) { values_[std::move(value)] = std::move(stats); }

 private:
  std::string model_;
  size_t samples_ = 0;
  std::map<std::string, ValueStats, std::less<>> values_;
};

/// Identifies a model by its operators, names and constants: observations of one aren't taken for
/// another. To be made of the canonical graph before the quantizer changes it.
std::string fingerprint(const Graph& graph);

/// The versioned text form (JSON) of docs/quantization.md. Equal observations give equal bytes.
std::string to_text(const Observations& observations);
/// Fails with what is wrong: no such file format, an unknown version, counts that contradict each
/// other.
Result<Observations> from_text(std::string_view text);

}  // namespace octet::quant
