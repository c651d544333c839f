#include "speech/bleu.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace octet::speech {
namespace {

using Grams = std::map<std::vector<std::string>, int64_t>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_point(char c) { return c == '.' || c == ','; }

// Symbols of ASCII that stand alone wherever they are.
bool is_symbol(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// Pairs of characters from the left, none in two of them: `split` says what becomes of one.
template <typename F>
std::string each_pair(const std::string& text, F split) {
  std::string out;
  size_t at = 0;
  while (at + 1 < text.size()) {
    const std::string changed = split(text[at], text[at + 1]);
    out += changed.empty() ? std::string(1, text[at]) : changed;
    at += changed.empty() ? 1 : 2;
  }
  return out + text.substr(std::min(at, text.size()));
}

Grams grams_of(const std::vector<std::string>& tokens, size_t order) {
  Grams grams;
  for (size_t i = 0; i + order <= tokens.size(); ++i) {
    const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(i);
    ++grams[std::vector<std::string>(first, first + static_cast<std::ptrdiff_t>(order))];
  }
  return grams;
}

}  // namespace

std::vector<std::string> tokenize_13a(std::string_view line) {
  std::string text(line);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  std::string spaced = " ";
  for (const char c : text) spaced += is_symbol(c) ? std::string{' ', c, ' '} : std::string(1, c);
  spaced += ' ';
  spaced = each_pair(spaced, [](char a, char b) {
    return !is_digit(a) && is_point(b) ? std::string{a, ' ', b, ' '} : std::string();
  });
  spaced = each_pair(spaced, [](char a, char b) {
    return is_point(a) && !is_digit(b) ? std::string{' ', a, ' ', b} : std::string();
  });
  spaced = each_pair(spaced, [](char a, char b) {
    return is_digit(a) && b == '-' ? std::string{a, ' ', b, ' '} : std::string();
  });
  std::vector<std::string> tokens;
  bool inside = false;
  for (const char c : spaced) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space && !inside) tokens.emplace_back();
    if (!space) tokens.back() += c;
    inside = !space;
  }
  return tokens;
}

void Bleu::add(std::string_view reference, std::string_view hypothesis) {
  const auto want = tokenize_13a(reference);
  const auto got = tokenize_13a(hypothesis);
  reference_tokens_ += static_cast<int64_t>(want.size());
  hypothesis_tokens_ += static_cast<int64_t>(got.size());
  for (size_t order = 1; order <= kOrders; ++order) {
    const Grams there = grams_of(want, order);
    for (const auto& [gram, count] : grams_of(got, order)) {
      total_[order - 1] += count;
      if (const auto at = there.find(gram); at != there.end())
        matches_[order - 1] += std::min(count, at->second);
    }
  }
}

Bleu& Bleu::operator+=(const Bleu& other) {
  for (size_t n = 0; n < kOrders; ++n) {
    matches_[n] += other.matches_[n];
    total_[n] += other.total_[n];
  }
  reference_tokens_ += other.reference_tokens_;
  hypothesis_tokens_ += other.hypothesis_tokens_;
  return *this;
}

double Bleu::score() const {
  if (matches_[0] == 0) return 0;
  double logs = 0;
  double smooth = 1;
  for (size_t n = 0; n < kOrders; ++n) {
    if (total_[n] == 0) return 0;
    auto matches = static_cast<double>(matches_[n]);
    if (matches_[n] == 0) matches = 1 / (smooth *= 2);
    logs += std::log(matches / static_cast<double>(total_[n]));
  }
  const double ratio =
      static_cast<double>(reference_tokens_) / static_cast<double>(hypothesis_tokens_);
  const double brevity = ratio > 1 ? std::exp(1 - ratio) : 1;
  return 100 * brevity * std::exp(logs / kOrders);
}

}  // namespace octet::speech
