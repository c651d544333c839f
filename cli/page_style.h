#pragma once

#include <string>

#include "cli/html.h"

namespace octet::cli {

/// A page that needs nothing else, open at its body: no fonts or pictures from elsewhere.
Html begin_page(const std::string& title);

/// A figure with what it is and what is to be said of it.
void card(Html& page, const std::string& what, const std::string& figure, const std::string& more);

}  // namespace octet::cli
