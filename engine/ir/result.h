#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

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

/// An error as a value. The message names the node, value or file, and the cause.
struct Error {
  ErrorCode code = ErrorCode::invalid_argument;
  std::string message;

  /// The same error with `where + ": "` in front.
  Error in(const std::string& where) && { return {code, where + ": " + message}; }
};

/// Either a T or an Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}  // NOLINT

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  bool failed_ = false;
  Error error_;
};

using Status = Result<void>;

inline Error unsupported(std::string message) {
  return {ErrorCode::unsupported, std::move(message)};
}
inline Error invalid_model(std::string message) {
  return {ErrorCode::invalid_model, std::move(message)};
}
inline Error invalid_data(std::string message) {
  return {ErrorCode::invalid_data, std::move(message)};
}

}  // namespace octet

/// Returns the error of a Status or Result expression from the enclosing function.
#define OCTET_RETURN_IF_ERROR(expression)                    \
  do {                                                       \
    if (auto octet_status_ = (expression); !octet_status_) { \
      return std::move(octet_status_).error();               \
    }                                                        \
  } while (false)

#define OCTET_CONCAT_(a, b) a##b
#define OCTET_CONCAT(a, b) OCTET_CONCAT_(a, b)

/// `OCTET_ASSIGN(auto x, f());` declares or assigns x from a Result, or returns its error.
#define OCTET_ASSIGN(declaration, expression) \
  OCTET_ASSIGN_(OCTET_CONCAT(octet_result_, __LINE__), declaration, expression)
#define OCTET_ASSIGN_(result, declaration, expression) \
  auto result = (expression);                          \
  if (!result) return std::move(result).error();       \
  declaration = std::move(result).value()
