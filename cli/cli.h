#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/ir/result.h"
#include "octet/octet.hpp"
#include "runtime/session/options.h"

namespace octet::cli {

/// Exit codes: done; the answer is no; wrong usage; bad input; a limit or deadline; the machine.
enum Exit : int { kDone = 0, kNo = 1, kUsage = 2, kBadInput = 3, kLimit = 4, kMachine = 5 };

int exit_code(ErrorCode code);

/// Flags that every verb takes.
struct Global {
  size_t threads = 0;
  std::string provider = "auto";
  std::string isa;
  int64_t deadline_ms = 0;
  size_t memory_mb = 0;
  std::string cache;
  bool tune = false;
  std::vector<std::string> ops;  ///< Modules with operators.
  std::string log_level = "warning";
  bool json = false;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();

  /// When --deadline, counted from the program's start, is over.
  std::optional<std::chrono::steady_clock::time_point> deadline() const;
  /// ErrorCode::deadline once it is; for the time between runs.
  Status check_deadline() const;
  runtime::RunOptions run_options() const;
  /// The same for the C interface.
  octet_run_options c_run_options() const;
  /// --memory isn't in it: main() charges the whole thread with it.
  Options session_options() const {
    return {.threads = threads, .provider = provider, .isa = isa, .cache = cache};
  }
  /// The same for the runtime's own interface.
  Result<runtime::CompileOptions> compile_options() const;
};

/// Print "octet: message" to stderr; give the exit code.
int fail(const Error& error);
int fail(const Failure& failure);
int fail(int code, const std::string& message);
Error to_error(const Failure& failure);

/// JSON as a text file has it; bytes that aren't UTF-8 are replaced.
std::string to_text(const nlohmann::json& json);

/// Columns of text; the first is left-aligned, the others right-aligned.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// As "1.23" with `digits` after the point.
std::string fixed(double value, int digits);
/// Bytes as "12.34 MB".
std::string megabytes(double bytes);

}  // namespace octet::cli
