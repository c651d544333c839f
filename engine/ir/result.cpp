#include "engine/ir/result.h"

namespace octet {

Error::Error(ErrorCode of, std::string_view why) : code(of), message(why) {}
Error::Error(const Error& other) = default;
Error::Error(Error&& other) noexcept = default;
Error& Error::operator=(const Error& other) = default;
Error& Error::operator=(Error&& other) noexcept = default;
Error::~Error() = default;

Error Error::in(std::string_view where) && {
  message.insert(0, ": ").insert(0, where);
  return std::move(*this);
}

HeldError::HeldError(ErrorCode code, std::string_view message) : error_(new Error(code, message)) {}
HeldError::HeldError(Error&& error) : error_(new Error(std::move(error))) {}
HeldError::HeldError(const Error& error) : error_(new Error(error)) {}
HeldError::HeldError(const HeldError& other)
    : error_(other.error_ == nullptr ? nullptr : new Error(*other.error_)) {}

void HeldError::drop(const Error* error) { delete error; }

HeldError unsupported(std::string_view message) { return {ErrorCode::unsupported, message}; }
HeldError unsupported(const char* message) { return unsupported(std::string_view(message)); }
HeldError invalid_model(std::string_view message) { return {ErrorCode::invalid_model, message}; }
HeldError invalid_model(const char* message) { return invalid_model(std::string_view(message)); }
HeldError invalid_data(std::string_view message) { return {ErrorCode::invalid_data, message}; }
HeldError invalid_data(const char* message) { return invalid_data(std::string_view(message)); }

namespace detail {

void MessagePart::append_to(std::string& message) const {
  if (text_ != nullptr)
    message.append(text_, number_);
  else if (is_signed_)
    message += std::to_string(static_cast<int64_t>(number_));
  else
    message += std::to_string(number_);
}

HeldError failed(ErrorCode code, const char* format, std::initializer_list<MessagePart> parts) {
  std::string message;
  std::string_view rest = format;
  for (const MessagePart& part : parts) {
    const size_t place = rest.find("{}");
    message += rest.substr(0, place);
    part.append_to(message);
    rest.remove_prefix(place + 2);
  }
  message += rest;
  return {code, message};
}

}  // namespace detail
}  // namespace octet
