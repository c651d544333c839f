#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

namespace octet::serve {

/// Numbers of one model for Prometheus, in its text format 0.0.4. Any thread may add.
class Metrics {
 public:
  /// A request that was answered, `seconds` after it came.
  void answered(double seconds);
  void refused() { ++refused_; }  ///< Malformed, or of unknown names.
  void overloaded() { ++overloaded_; }
  void failed() { ++failed_; }  ///< The run gave an error.
  /// A run of the model for this many requests.
  void ran(size_t requests, double seconds);
  void waiting(int64_t change) { waiting_ += change; }

  uint64_t count_answered() const { return answered_; }

  /// Appends the model's lines.
  void write(const std::string& model, std::string& text) const;
  /// The comment lines of all metrics, which come once.
  static std::string head();

 private:
  // Upper bounds of the latency histogram, in seconds; one more bucket has none.
  static constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                         0.1,   0.25,   0.5,   1.0,  2.5};
  std::array<std::atomic<uint64_t>, kBounds.size() + 1> buckets_{};
  std::atomic<uint64_t> micros_{0};
  std::atomic<uint64_t> answered_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> overloaded_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<uint64_t> runs_{0};
  std::atomic<uint64_t> batched_{0};
  std::atomic<uint64_t> run_micros_{0};
  std::atomic<int64_t> waiting_{0};
};

}  // namespace octet::serve
