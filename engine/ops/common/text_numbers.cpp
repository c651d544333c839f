#include "engine/ops/common/text_numbers.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace octet {
namespace {

template <typename T>
std::optional<T> parsed(const std::string& text) {
  const char* begin = text.data();
  const char* const end = begin + text.size();
  if (text.size() > 1 && *begin == '+' && begin[1] != '-') ++begin;
  T value{};
  const auto [at, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

template <typename T>
std::string float_text(T value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-INF" : "INF";
  const double magnitude = std::fabs(static_cast<double>(value));
  const bool plain = magnitude == 0.0 || (magnitude >= 1e-5 && magnitude < 1e16);
  char buffer[64];
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value, format);
  std::string text(buffer, end);
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace

template <typename T>
std::string number_text(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return float_text(value);
  else
    return std::to_string(value);
}

template <typename T>
std::optional<T> number_of_text(const std::string& text) {
  if (const auto value = parsed<T>(text)) return value;
  if constexpr (!std::is_floating_point_v<T>) {
    const auto real = parsed<double>(text);
    if (!real) return std::nullopt;
    const double whole = std::trunc(*real);
    const auto low = static_cast<double>(std::numeric_limits<T>::min());
    const double high = std::ldexp(1.0, std::numeric_limits<T>::digits);
    if (whole >= low && whole < high) return static_cast<T>(whole);
  }
  return std::nullopt;
}

#define OCTET_TEXT_NUMBERS(T)             \
  template std::string number_text<T>(T); \
  template std::optional<T> number_of_text<T>(const std::string&);
OCTET_TEXT_NUMBERS(float)
OCTET_TEXT_NUMBERS(double)
OCTET_TEXT_NUMBERS(int8_t)
OCTET_TEXT_NUMBERS(int16_t)
OCTET_TEXT_NUMBERS(int32_t)
OCTET_TEXT_NUMBERS(int64_t)
OCTET_TEXT_NUMBERS(uint8_t)
OCTET_TEXT_NUMBERS(uint16_t)
OCTET_TEXT_NUMBERS(uint32_t)
OCTET_TEXT_NUMBERS(uint64_t)
#undef OCTET_TEXT_NUMBERS

}  // namespace octet
