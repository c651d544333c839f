#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace octet::cli {

/// Energy that the processor's packages took, by Linux's powercap counters (RAPL): what the whole
/// machine did, not this process alone.
class EnergyMeter {
 public:
  /// The zones below `root` (a tree as /sys/class/powercap) whose name begins with "package";
  /// nothing where there are none or they can't be read, as it takes root on most machines.
  static std::optional<EnergyMeter> open(const std::filesystem::path& root);
  /// $OCTET_POWERCAP, or the machine's own tree.
  static std::optional<EnergyMeter> open();

  /// Adds what the counters did since the last call. Counters begin anew past their range, so at
  /// least one call a range is needed (minutes).
  void update();
  /// Joules from opening to the last update.
  double joules() const { return static_cast<double>(microjoules_) * 1e-6; }

 private:
  struct Zone {
    std::filesystem::path counter;
    uint64_t range;  ///< Microjoules at which it begins anew.
    uint64_t last;
  };
  std::vector<Zone> zones_;
  uint64_t microjoules_ = 0;
};

}  // namespace octet::cli
