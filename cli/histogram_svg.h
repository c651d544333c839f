#pragma once

#include <nlohmann/json.hpp>

#include "cli/html.h"

namespace octet::cli {

/// Draws a row of the report's `values`: counts over the observed range, and the chosen range.
void histogram_svg(Html& page, const nlohmann::json& value);

}  // namespace octet::cli
