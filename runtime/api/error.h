#pragma once

#include <new>
#include <system_error>

#include "engine/ir/memory.h"
#include "engine/ir/result.h"
#include "octet/octet.h"

namespace octet::api {

/// An error as the C interface hands it out; the caller frees it.
octet_error* to_c(Error error);
inline octet_error* to_c(Status status) {
  return status ? nullptr : to_c(std::move(status).error());
}
/// The error of which there is always one left.
octet_error* out_of_memory();

octet_status status_of(ErrorCode code);
/// OCTET_OK and what isn't a status are ErrorCode::invalid_argument.
ErrorCode code_of(octet_status status);

/// Nothing thrown leaves the library: the standard containers' bad_alloc and the threads'
/// system_error end here.
template <typename F>
octet_error* guarded(F&& f) {
  try {
    return f();
  } catch (const AllocationError& failure) {
    return to_c(failure.error());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::system_error& failure) {
    return to_c(Error{ErrorCode::machine, failure.what()});
  }
}

}  // namespace octet::api
