#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/ir/result.h"
#include "octet/octet.hpp"
#include "runtime/session/options.h"

namespace octet::cli {

/// Exit codes: done; the answer is no; wrong usage; bad input; a limit or deadline; the machine.
enum Exit : int { kDone = 0, kNo = 1, kUsage = 2, kBadInput = 3, kLimit = 4, kMachine = 5 };

int exit_code(ErrorCode code);
int exit_code(octet_status status);

/// Flags that every verb takes.
struct Global {
  size_t threads = 0;
  std::string provider = "auto";
  std::string isa;
  int64_t deadline_ms = 0;
  size_t memory_mb = 0;
  std::string log_level = "warning";
  bool json = false;

  Options session_options() const { return {threads, provider, isa}; }
  /// The same for the runtime's own interface.
  Result<runtime::CompileOptions> compile_options() const;
};

/// Print "octet: message" to stderr; give the exit code.
int fail(const Error& error);
int fail(const Failure& failure);
int fail(int code, const std::string& message);

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
