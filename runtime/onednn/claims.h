#pragma once

#include <span>

#include "runtime/providers.h"

namespace octet::runtime::onednn {

/// The rows of claims.def.
std::span<const Claim> claims();

}  // namespace octet::runtime::onednn
