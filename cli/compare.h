#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/cli.h"

namespace octet::cli {

/// Model B against model A on the samples of a folder, as `octet compare --json` writes it:
/// {outputs, tensors}, the worst first.
Result<nlohmann::json> compare_models(const std::string& a, const std::string& b,
                                      const std::string& samples, const Global& global);

}  // namespace octet::cli
