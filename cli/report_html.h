#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace octet::cli {

/// The JSON report of `octet quantize` as one page that needs nothing else: no scripts, fonts or
/// pictures from elsewhere.
std::string report_page(const nlohmann::json& report);

}  // namespace octet::cli
