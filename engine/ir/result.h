#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace octet {

/// Why something failed; each maps to one exit code of the command line.
enum class ErrorCode : uint8_t {
  invalid_argument,  ///< The caller asked for something that makes no sense (exit 2).
  invalid_model,     ///< The model's bytes contradict themselves or the standard (exit 3).
  invalid_data,      ///< Input or calibration data that the model can't take (exit 3).
  unsupported,       ///< A valid operator, attribute, type or opset that octet lacks (exit 3).
  limit,             ///< A limit that the caller or the library set was hit (exit 4).
  deadline,          ///< The deadline passed or the run was cancelled (exit 4).
  machine,           ///< The machine failed: disk full, out of memory (exit 5).
};

/// An error as a value. The message names the node, value or file, and the cause. Whatever makes,
/// moves and frees one is out of line: most functions of the engine have several places that do.
struct Error {
  Error(ErrorCode of, std::string_view why);
  Error(const Error& other);
  Error(Error&& other) noexcept;
  Error& operator=(const Error& other);
  Error& operator=(Error&& other) noexcept;
  ~Error();

  ErrorCode code;
  std::string message;

  /// The same error with `where + ": "` in front.
  Error in(std::string_view where) &&;
};

/// An error behind one pointer, as a Result holds it; null where there is none, or it was moved.
class [[nodiscard]] HeldError {
 public:
  HeldError() = default;
  HeldError(ErrorCode code, std::string_view message);
  HeldError(Error&& error);       // NOLINT
  HeldError(const Error& error);  // NOLINT
  HeldError(const HeldError& other);
  HeldError(HeldError&& other) noexcept : error_(std::exchange(other.error_, nullptr)) {}
  HeldError& operator=(HeldError other) noexcept {
    std::swap(error_, other.error_);
    return *this;
  }
  ~HeldError() {
    if (error_ != nullptr) drop(error_);
  }

  explicit operator bool() const { return error_ != nullptr; }
  operator Error() && { return std::move(*error_); }  // NOLINT
  Error& operator*() { return *error_; }
  const Error& operator*() const { return *error_; }
  Error in(std::string_view where) && { return std::move(*error_).in(where); }

 private:
  static void drop(const Error* error);

  Error* error_ = nullptr;
};

/// Either a T or an Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T&& value) : value_(std::move(value)) {}                   // NOLINT
  Result(const T& value) : value_(value) {}                         // NOLINT
  Result(Error&& error) : error_(std::move(error)) {}               // NOLINT
  Result(const Error& error) : error_(error) {}                     // NOLINT
  Result(HeldError&& error) noexcept : error_(std::move(error)) {}  // NOLINT

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return *std::move(value_); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }
  HeldError&& held_error() && { return std::move(error_); }

 private:
  std::optional<T> value_;
  HeldError error_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error&& error) : error_(std::move(error)) {}               // NOLINT
  Result(const Error& error) : error_(error) {}                     // NOLINT
  Result(HeldError&& error) noexcept : error_(std::move(error)) {}  // NOLINT

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }
  HeldError&& held_error() && { return std::move(error_); }

 private:
  HeldError error_;
};

using Status = Result<void>;

HeldError unsupported(std::string_view message);
HeldError unsupported(const char* message);
HeldError invalid_model(std::string_view message);
HeldError invalid_model(const char* message);
HeldError invalid_data(std::string_view message);
HeldError invalid_data(const char* message);

namespace detail {

/// What stands for a {} of a message: a text, or an integer in decimal.
class MessagePart {
 public:
  MessagePart(std::string_view text) : text_(text.data()), number_(text.size()) {}  // NOLINT
  MessagePart(const std::string& text) : MessagePart(std::string_view(text)) {}     // NOLINT
  MessagePart(const char* text) : MessagePart(std::string_view(text)) {}            // NOLINT
  template <std::signed_integral T>
  MessagePart(T number) : number_(static_cast<uint64_t>(number)), is_signed_(true) {}  // NOLINT
  template <std::unsigned_integral T>
  MessagePart(T number) : number_(number) {}  // NOLINT
  void append_to(std::string& message) const;

 private:
  const char* text_ = nullptr;
  uint64_t number_ = 0;
  bool is_signed_ = false;
};

HeldError failed(ErrorCode code, const char* format, std::initializer_list<MessagePart> parts);

/// A literal with a {} for each of A.
template <typename... A>
struct MessageFormat {
  template <size_t N>
  consteval MessageFormat(const char (&literal)[N]) : text(literal) {  // NOLINT
    size_t places = 0;
    for (size_t i = 0; i + 1 < N; ++i) places += literal[i] == '{' && literal[i + 1] == '}' ? 1 : 0;
    if (places != sizeof...(A)) throw "a message needs a {} for each argument";
  }
  const char* text;
};

template <typename... A>
using Format = MessageFormat<std::type_identity_t<A>...>;

}  // namespace detail

/// The same with each argument, a text or an integer, in the place of its {}. Not inlined: what a
/// place that fails takes of its function should be one call.
template <typename... A>
[[gnu::noinline]] HeldError unsupported(detail::Format<A...> format, const A&... arguments) {
  return detail::failed(ErrorCode::unsupported, format.text, {arguments...});
}
template <typename... A>
[[gnu::noinline]] HeldError invalid_model(detail::Format<A...> format, const A&... arguments) {
  return detail::failed(ErrorCode::invalid_model, format.text, {arguments...});
}
template <typename... A>
[[gnu::noinline]] HeldError invalid_data(detail::Format<A...> format, const A&... arguments) {
  return detail::failed(ErrorCode::invalid_data, format.text, {arguments...});
}

}  // namespace octet

/// Returns the error of a Status or Result expression from the enclosing function.
#define OCTET_RETURN_IF_ERROR(expression)                    \
  do {                                                       \
    if (auto octet_status_ = (expression); !octet_status_) { \
      return std::move(octet_status_).held_error();          \
    }                                                        \
  } while (false)

#define OCTET_CONCAT_(a, b) a##b
#define OCTET_CONCAT(a, b) OCTET_CONCAT_(a, b)

/// `OCTET_ASSIGN(auto x, f());` declares or assigns x from a Result, or returns its error.
#define OCTET_ASSIGN(declaration, expression) \
  OCTET_ASSIGN_(OCTET_CONCAT(octet_result_, __LINE__), declaration, expression)
#define OCTET_ASSIGN_(result, declaration, expression) \
  auto result = (expression);                          \
  if (!result) return std::move(result).held_error();  \
  declaration = std::move(result).value()
