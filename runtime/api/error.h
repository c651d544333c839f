#pragma once

#include "engine/ir/result.h"
#include "octet/octet.h"

namespace octet::api {

/// An error as the C interface hands it out; the caller frees it.
octet_error* to_c(Error error);

}  // namespace octet::api
