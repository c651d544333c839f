#include "engine/ir/log.h"

#include <atomic>

namespace octet::log {
namespace {

std::atomic<Sink> current_sink{nullptr};
std::atomic<Level> least_level{Level::off};

}  // namespace

void set_sink(Sink sink, Level least) {
  current_sink = sink;
  least_level = sink == nullptr ? Level::off : least;
}

bool enabled(Level level) {
  return level != Level::off && level >= least_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message) {
  if (const Sink sink = current_sink; sink != nullptr && enabled(level)) sink(level, message);
}

}  // namespace octet::log
