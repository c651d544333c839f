#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "engine/ir/result.h"
#include "octet/octet.hpp"

namespace octet::cli {

/// Keeps inputs of a graph's runs as a sample folder. Past the bounds every second sample goes, and
/// from then on every second run is passed over: what stays is spread evenly over all runs.
class SampleSpool {
 public:
  static constexpr size_t kMostSamples = 256;
  static constexpr uint64_t kMostBytes = uint64_t{256} << 20;

  /// The folder is made at the first sample.
  explicit SampleSpool(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Status add(std::span<const Port> ports, std::span<const TensorRef> inputs);
  size_t samples() const { return kept_.size(); }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct Kept {
    std::filesystem::path path;
    uint64_t bytes;
  };
  Status thin_out();

  std::filesystem::path folder_;
  std::vector<Kept> kept_;
  size_t runs_ = 0;
  size_t stride_ = 1;
  uint64_t bytes_ = 0;
};

}  // namespace octet::cli
