#include "runtime/api/error.h"

#include <string>

struct octet_error {
  octet_status status;
  std::string message;
};

namespace octet::api {
namespace {

struct Row {
  ErrorCode code;
  octet_status status;
};
constexpr Row kStatuses[] = {
    {ErrorCode::invalid_argument, OCTET_INVALID_ARGUMENT},
    {ErrorCode::invalid_model, OCTET_INVALID_MODEL},
    {ErrorCode::invalid_data, OCTET_INVALID_DATA},
    {ErrorCode::unsupported, OCTET_UNSUPPORTED},
    {ErrorCode::limit, OCTET_LIMIT},
    {ErrorCode::deadline, OCTET_DEADLINE},
    {ErrorCode::machine, OCTET_MACHINE},
};

octet_error no_memory{OCTET_MACHINE, "out of memory"};

}  // namespace

octet_status status_of(ErrorCode code) {
  for (const Row& row : kStatuses)
    if (row.code == code) return row.status;
  return OCTET_INVALID_ARGUMENT;
}

ErrorCode code_of(octet_status status) {
  for (const Row& row : kStatuses)
    if (row.status == status) return row.code;
  return ErrorCode::invalid_argument;
}

octet_error* to_c(Error error) {
  return new octet_error{status_of(error.code), std::move(error.message)};
}

octet_error* out_of_memory() { return &no_memory; }

}  // namespace octet::api

extern "C" {

const char* octet_version(void) { return OCTET_VERSION; }

octet_status octet_error_status(const octet_error* error) {
  return error == nullptr ? OCTET_OK : error->status;
}
const char* octet_error_message(const octet_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}
void octet_error_free(octet_error* error) {
  if (error != octet::api::out_of_memory()) delete error;
}

}  // extern "C"
