#include "speech/tokens.h"

#include <charconv>
#include <fstream>
#include <map>

namespace octet::speech {
namespace {

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581

}  // namespace

Expected<Tokens> Tokens::read(const std::string& path) {
  std::ifstream file(path);
  if (!file) return bad_data(path + ": can't be read");
  std::map<size_t, std::string> by_id;
  size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const std::string where = path + ", line " + std::to_string(number) + ": ";
    const size_t space = line.rfind(' ');
    size_t id = 0;
    const char* end = line.data() + line.size();
    if (space == std::string::npos || space == 0) return bad_data(where + "not TOKEN ID");
    const auto parsed = std::from_chars(line.data() + space + 1, end, id);
    if (parsed.ec != std::errc() || parsed.ptr != end)
      return bad_data(where + "the id is no number");
    if (!by_id.emplace(id, line.substr(0, space)).second)
      return bad_data(where + "id " + std::to_string(id) + " is there twice");
  }
  if (by_id.empty()) return bad_data(path + ": there are no tokens");
  if (by_id.rbegin()->first != by_id.size() - 1)
    return bad_data(path + ": ids aren't 0 to " + std::to_string(by_id.size() - 1));
  Tokens tokens;
  for (auto& [id, text] : by_id) tokens.texts_.push_back(std::move(text));
  return tokens;
}

std::string Tokens::text(std::span<const int64_t> ids) const {
  std::string joined;
  for (const int64_t id : ids) joined += texts_[static_cast<size_t>(id)];
  std::string text;
  for (size_t at = 0; at < joined.size();) {
    if (joined.compare(at, kSpace.size(), kSpace) == 0) {
      if (!text.empty()) text += ' ';
      at += kSpace.size();
    } else {
      text += joined[at++];
    }
  }
  return text;
}

}  // namespace octet::speech
