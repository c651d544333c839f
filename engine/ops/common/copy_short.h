#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace octet {

/// Bytes that are cheaper to move by a few words of their own than by a call.
inline constexpr size_t kShortRun = 64;

template <typename Word>
inline void move_word(std::byte* to, const std::byte* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  std::memcpy(to, &word, sizeof(word));
}

/// Of at least a word, at most two: words that may overlap.
template <typename Word>
inline void move_two_words(std::byte* to, const std::byte* from, size_t bytes) {
  move_word<Word>(to, from);
  move_word<Word>(to + bytes - sizeof(Word), from + bytes - sizeof(Word));
}

/// memcpy for runs of about kShortRun bytes at most.
inline void copy_short(std::byte* to, const std::byte* from, size_t bytes) {
  using Quad = std::array<uint64_t, 2>;
  for (; bytes > 2 * sizeof(Quad); bytes -= sizeof(Quad), to += sizeof(Quad), from += sizeof(Quad))
    move_word<Quad>(to, from);
  if (bytes >= sizeof(Quad)) return move_two_words<Quad>(to, from, bytes);
  if (bytes >= 8) return move_two_words<uint64_t>(to, from, bytes);
  if (bytes >= 4) return move_two_words<uint32_t>(to, from, bytes);
  for (size_t i = 0; i < bytes; ++i) to[i] = from[i];
}

}  // namespace octet
