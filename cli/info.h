#pragma once

#include <map>
#include <string>

#include "engine/ir/result.h"

namespace octet::cli {

/// Bytes of a model's weights.
struct WeightBytes {
  std::map<std::string, size_t> by_type;  ///< As stored.
  std::map<std::string, size_t> by_part;  ///< As bytes_by_part tells parts apart.
};

Result<WeightBytes> weight_bytes(const std::string& path);

}  // namespace octet::cli
