#pragma once

#include "engine/ir/result.h"
#include "octet/octet_provider.h"

namespace octet::api {

/// octet_register_provider, as a status.
Status register_one_provider(const octet_custom_provider& provider);

}  // namespace octet::api
