#include "speech/wer.h"

#include <algorithm>
#include <cctype>

namespace octet::speech {

double WordErrors::rate() const {
  if (words == 0) return errors() == 0 ? 0.0 : 1.0;
  return static_cast<double>(errors()) / static_cast<double>(words);
}

WordErrors& WordErrors::operator+=(const WordErrors& other) {
  substitutions += other.substitutions;
  deletions += other.deletions;
  insertions += other.insertions;
  words += other.words;
  return *this;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isspace(byte) != 0) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += byte < 0x80 ? static_cast<char>(std::tolower(byte)) : c;
  }
  return words;
}

WordErrors count_errors(std::string_view reference, std::string_view hypothesis) {
  const auto want = words_of(reference);
  const auto got = words_of(hypothesis);
  // row[j]: the edits from the words of the reference so far to the first j of the hypothesis.
  std::vector<WordErrors> row(got.size() + 1);
  for (size_t j = 0; j <= got.size(); ++j) row[j].insertions = j;
  for (size_t i = 0; i < want.size(); ++i) {
    WordErrors diagonal = row[0];
    ++row[0].deletions;
    for (size_t j = 0; j < got.size(); ++j) {
      WordErrors best = diagonal;
      if (want[i] != got[j]) ++best.substitutions;
      WordErrors deleted = row[j + 1];
      ++deleted.deletions;
      WordErrors inserted = row[j];
      ++inserted.insertions;
      diagonal = row[j + 1];
      for (const WordErrors& other : {deleted, inserted})
        if (other.errors() < best.errors()) best = other;
      row[j + 1] = best;
    }
  }
  WordErrors result = row.back();
  result.words = want.size();
  return result;
}

}  // namespace octet::speech
