#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace octet::speech {

/// The fewest edits that turn one word sequence into another (Levenshtein); of several ways with as
/// few, the one with the most substitutions.
struct WordErrors {
  size_t substitutions = 0;
  size_t deletions = 0;
  size_t insertions = 0;
  size_t words = 0;  ///< Of the reference.

  size_t errors() const { return substitutions + deletions + insertions; }
  /// errors / words; 0 of nothing against nothing.
  double rate() const;
  WordErrors& operator+=(const WordErrors& other);
};

/// Words between white space, ASCII letters in lower case.
std::vector<std::string> words_of(std::string_view text);

/// Of words_of() both.
WordErrors count_errors(std::string_view reference, std::string_view hypothesis);

}  // namespace octet::speech
