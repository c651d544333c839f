#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "speech/audio.h"

namespace octet::speech {

/// The token table of a bundle: sub-words whose U+2581 stands for the space before a word.
class Tokens {
 public:
  /// A file of lines "TOKEN ID", ids 0 to N-1 in any order. Fails, naming the line.
  static Expected<Tokens> read(const std::string& path);

  size_t size() const { return texts_.size(); }
  const std::string& operator[](size_t id) const { return texts_[id]; }
  /// The words; ids are all below size().
  std::string text(std::span<const int64_t> ids) const;

 private:
  std::vector<std::string> texts_;
};

}  // namespace octet::speech
