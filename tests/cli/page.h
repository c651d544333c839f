#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace octet::testing {

/// Every start tag has its end tag, in order; the names of all elements. Void elements have none.
inline std::vector<std::string> elements_of(const std::string& page) {
  std::vector<std::string> open;
  std::vector<std::string> all;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    if (page[at + 1] == '!') continue;
    const bool end = page[at + 1] == '/';
    const size_t first = at + (end ? 2 : 1);
    const std::string name = page.substr(first, page.find_first_of(" >", first) - first);
    if (end) {
      REQUIRE_FALSE(open.empty());
      CHECK(open.back() == name);
      open.pop_back();
    } else if (name != "meta") {
      open.push_back(name);
      all.push_back(name);
    }
    // Nothing inside these is a tag.
    if (!end && (name == "script" || name == "style")) at = page.find("</" + name, at) - 1;
  }
  CHECK(open.empty());
  return all;
}

}  // namespace octet::testing
