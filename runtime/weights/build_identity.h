#pragma once

#include <optional>

#include "engine/ir/digest.h"

namespace octet::runtime {

/// What tells this build of the code from every other: the linker's build id of the program or
/// library that holds it. Nothing where it has none.
std::optional<Digest> build_identity();

}  // namespace octet::runtime
