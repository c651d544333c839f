#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace octet::log {

/// In the order of weight. `info`: what an import made of a file; `debug`: what was rewritten and
/// which implementation each node got; `trace`: what happens to caches while running.
enum class Level : uint8_t { trace, debug, info, warning, error, off };

/// Takes messages; called from any thread.
using Sink = void (*)(Level level, std::string_view message);

/// Messages of `least` and above go to `sink`. Without a sink, as at first, nothing is written.
void set_sink(Sink sink, Level least);
bool enabled(Level level);
void write(Level level, std::string_view message);

/// Writes what `make` returns; it isn't called when nobody listens.
template <typename F>
void lazily(Level level, F&& make) {
  if (enabled(level)) write(level, make());
}

}  // namespace octet::log
