#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace octet::cli {

/// Writes HTML. What comes as text or as an attribute's value is escaped, so that names out of a
/// model stay text; only `raw` isn't, for constants of the program.
class Html {
 public:
  struct Attribute {
    std::string_view name;
    std::string value;
  };
  using Attributes = std::initializer_list<Attribute>;

  Html& open(std::string_view tag, Attributes attributes = {});
  Html& close();
  Html& text(std::string_view text);
  /// An element with nothing but text in it.
  Html& leaf(std::string_view tag, std::string_view text, Attributes attributes = {});
  Html& raw(std::string_view html);
  /// Closes what is open.
  std::string take();

 private:
  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace octet::cli
