#pragma once

#include <string>
#include <vector>

#include "engine/ops/common/pieces.h"

namespace octet {

/// The strings of input i.
inline const std::vector<std::string>& strings_of(const RunContext& context, size_t i) {
  return context.input(i).boxed->as_strings();
}

/// A row for operators on strings.
template <auto Run>
inline constexpr Implementation kStringOperatorRows[] = {
    {.name = "strings", .match = match_stored, .prepare = prepare_function<Run>}};

}  // namespace octet
