#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ir/graph.h"
#include "engine/ops/step.h"
#include "engine/quant/observer.h"

namespace octet::quant {

/// Statistics of each channel of a value: what smoothing (largest magnitudes), equalization
/// (ranges) and bias correction (means) need.
struct ChannelStats {
  int axis = -1;            ///< Of the channels; negative: from the end.
  uint64_t count = 0;       ///< Elements seen of each channel.
  std::vector<float> low;   ///< Smallest element of each channel.
  std::vector<float> high;  ///< Largest element of each channel.
  std::vector<double> sum;  ///< Of the elements of each channel.
  bool uniform = true;      ///< False: samples differ in the number of channels; no figures.

  size_t channels() const { return low.size(); }
  float absmax(size_t channel) const { return std::max(-low[channel], high[channel]); }
  double mean(size_t channel) const { return sum[channel] / static_cast<double>(count); }
  void add(const TensorView& view);
  void merge(const ChannelStats& other);
};

/// What is known of one value. A statistic that nobody asked for is absent.
struct ValueStats {
  std::optional<Observer> range;
  std::map<int, ChannelStats> channels;  ///< By axis.
};

/// Statistics of the named values of one model. Ask first (`want_*`), then show it the values of
/// each run (`add`), or merge what other machines observed. Memory depends on what was asked for,
/// not on the samples.
class Observations {
 public:
  explicit Observations(std::string model = {}) : model_(std::move(model)) {}

  void want_range(const std::string& value);
  /// Channels of f32 values along `axis` (negative: from the end).
  void want_channels(const std::string& value, int axis);

  /// One value of one sample, in any layout; values that nobody wants and types other than f32 are
  /// passed over.
  void add(std::string_view value, const TensorView& view);
  void set_samples(size_t samples) { samples_ = samples; }

  /// Adds what `other` observed. Fails when it is of another model.
  Status merge(const Observations& other);
  /// Fails, naming the value, when something infinite or not a number was seen of it.
  Status check(std::string_view value) const;
  /// The same for all values.
  Status check() const;

  /// Null when the value wasn't asked for or no sample had it.
  const Observer* range(std::string_view value) const;
  const ChannelStats* channels(std::string_view value, int axis) const;

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
