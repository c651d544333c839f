#pragma once

#include <map>
#include <string>

#include "engine/ir/result.h"

namespace octet::cli {

/// Bytes of a model's weights by their stored type.
Result<std::map<std::string, size_t>> bytes_by_type(const std::string& path);

}  // namespace octet::cli
