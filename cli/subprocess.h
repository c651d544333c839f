#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "engine/ir/result.h"

namespace octet::cli {

/// The words of a command line: split at blanks; 'single' and "double" quotes keep what is between
/// them, a backslash outside single quotes the next character. Nothing else is special: no
/// variables, patterns or pipes. Fails when a quote isn't closed or there is no word.
Result<std::vector<std::string>> split_words(const std::string& text);

/// Runs a program (found by PATH, no shell between) to its end and gives what it wrote to stdout;
/// its stderr is ours. Fails when it can't be started, ends with another status than 0 or by a
/// signal, or isn't done at the deadline: it and what it started are then killed.
Result<std::string> output_of(const std::vector<std::string>& words,
                              std::optional<std::chrono::steady_clock::time_point> deadline);

}  // namespace octet::cli
