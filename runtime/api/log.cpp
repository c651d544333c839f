#include "engine/ir/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
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

}  // namespace

extern "C" octet_error* octet_log_to_stderr(const char* level) {
  for (const LevelName& known : kLevels) {
    if (known.name != level) continue;
    octet::log::set_sink(known.level == Level::off ? nullptr : to_stderr, known.level);
    return nullptr;
  }
  return octet::api::to_c(
      {octet::ErrorCode::invalid_argument, "unknown log level '" + std::string(level) +
                                               "': trace, debug, info, warning, error or off"});
}
