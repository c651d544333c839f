#include "cli/energy.h"

#include <cstdlib>
#include <fstream>
#include <string>

namespace octet::cli {
namespace {

namespace fs = std::filesystem;

template <typename T>
std::optional<T> read(const fs::path& path) {
  std::ifstream file(path);
  T value{};
  return file >> value ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<EnergyMeter> EnergyMeter::open() {
  const char* given = std::getenv("OCTET_POWERCAP");
  return open(given == nullptr ? fs::path("/sys/class/powercap") : fs::path(given));
}

std::optional<EnergyMeter> EnergyMeter::open(const fs::path& root) {
  EnergyMeter meter;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    const auto name = read<std::string>(entry.path() / "name");
    if (!name || !name->starts_with("package")) continue;
    const fs::path counter = entry.path() / "energy_uj";
    const auto now = read<uint64_t>(counter);
    const auto range = read<uint64_t>(entry.path() / "max_energy_range_uj");
    if (!now || !range) return std::nullopt;
    meter.zones_.push_back({counter, *range, *now});
  }
  if (meter.zones_.empty()) return std::nullopt;
  return meter;
}

void EnergyMeter::update() {
  for (Zone& zone : zones_) {
    const auto now = read<uint64_t>(zone.counter);
    if (!now) continue;
    microjoules_ += *now >= zone.last ? *now - zone.last : zone.range - zone.last + *now;
    zone.last = *now;
  }
}

}  // namespace octet::cli
