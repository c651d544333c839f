#pragma once

#include <optional>
#include <string>

namespace octet {

/// A number as text: integers in decimal; floats by the fewest digits that give them back, plain
/// from 1e-5 to 1e16 and with an exponent beyond, "NaN", "INF", "-INF".
template <typename T>
std::string number_text(T value);

/// The number that a whole text spells, rounded to nearest for floats; "inf" and "nan" in any case.
/// Integers may be spelled as a float, whose fraction is cut off. Nothing when it spells none, or
/// one outside T.
template <typename T>
std::optional<T> number_of_text(const std::string& text);

}  // namespace octet
