#include "engine/ir/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "octet/octet.h"
#include "runtime/api/error.h"

namespace {

using octet::log::Level;

struct LevelName {
  std::string_view name;
  Level level;
};
constexpr std::array<LevelName, 7> kLevels = {{{"trace", Level::trace},
                                               {"debug", Level::debug},
                                               {"info", Level::info},
                                               {"warning", Level::warning},
                                               {"warn", Level::warning},
                                               {"error", Level::error},
                                               {"off", Level::off}}};

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> made = [] {
    auto fresh = std::make_shared<spdlog::logger>(
        "octet", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    fresh->set_pattern("octet: %^%l%$: %v");
    fresh->set_level(spdlog::level::trace);
    return fresh;
  }();
  return *made;
}

void to_stderr(Level level, std::string_view message) {
  logger().log(static_cast<spdlog::level::level_enum>(level),
               spdlog::string_view_t(message.data(), message.size()));
}
static_assert(static_cast<int>(Level::trace) == spdlog::level::trace);
static_assert(static_cast<int>(Level::error) == spdlog::level::err);

// The caller's sink. A sink may call octet, which may log: the mutex is recursive.
struct Listener {
  std::recursive_mutex mutex;
  octet_log_sink sink = nullptr;
  void* user = nullptr;
};
Listener& listener() {
  static Listener one;
  return one;
}

void to_listener(Level level, std::string_view message) {
  const std::string text(message);
  Listener& to = listener();
  const std::lock_guard lock(to.mutex);
  for (const LevelName& known : kLevels) {
    if (known.level != level || to.sink == nullptr) continue;
    to.sink(known.name.data(), text.c_str(), to.user);
    return;
  }
}

// Nothing where the name isn't known.
std::optional<Level> level_of(std::string_view name) {
  for (const LevelName& known : kLevels)
    if (known.name == name) return known.level;
  return std::nullopt;
}

octet_error* unknown(const char* level) {
  return octet::api::to_c(octet::Error{
      octet::ErrorCode::invalid_argument,
      "unknown log level '" + std::string(level) + "': trace, debug, info, warning, error or off"});
}

}  // namespace

extern "C" {

octet_error* octet_log_to_stderr(const char* level) {
  return octet::api::guarded([&]() -> octet_error* {
    const auto least = level_of(level);
    if (!least) return unknown(level);
    octet::log::set_sink(*least == Level::off ? nullptr : to_stderr, *least);
    return nullptr;
  });
}

octet_error* octet_log_to(octet_log_sink sink, void* user, const char* level) {
  return octet::api::guarded([&]() -> octet_error* {
    const auto least = level_of(level);
    if (!least) return unknown(level);
    {
      const std::lock_guard lock(listener().mutex);
      listener().sink = sink;
      listener().user = user;
    }
    octet::log::set_sink(sink == nullptr || *least == Level::off ? nullptr : to_listener, *least);
    return nullptr;
  });
}

}  // extern "C"
