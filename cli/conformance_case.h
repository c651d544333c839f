#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "runtime/session/program.h"

namespace octet::cli::conformance {

/// What became of a case. Skipped: refused for an operator, attribute, type or opset that octet
/// lacks.
struct Outcome {
  enum class Kind : uint8_t { passed, failed, skipped } kind = Kind::passed;
  std::string reason;
};
Outcome failed(std::string reason);
Outcome skipped(std::string reason);
/// A refusal, or a failure.
Outcome from_error(const Error& error);

/// Folders with a model.onnx at or below `folders`, sorted.
Result<std::vector<std::filesystem::path>> find_cases(const std::vector<std::string>& folders);

/// Runs one folder's model on its test_data_set_* and compares as ONNX's own runner does.
Outcome run_case(const std::filesystem::path& folder, const runtime::CompileOptions& options,
                 const Global& global);

}  // namespace octet::cli::conformance
