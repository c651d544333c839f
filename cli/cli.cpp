#include "cli/cli.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace octet::cli {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return kUsage;
    case ErrorCode::invalid_model:
    case ErrorCode::invalid_data:
    case ErrorCode::unsupported: return kBadInput;
    case ErrorCode::limit:
    case ErrorCode::deadline: return kLimit;
    case ErrorCode::machine: return kMachine;
  }
  return kMachine;
}

int exit_code(octet_status status) {
  switch (status) {
    case OCTET_OK: return kDone;
    case OCTET_INVALID_ARGUMENT: return kUsage;
    case OCTET_INVALID_MODEL:
    case OCTET_INVALID_DATA:
    case OCTET_UNSUPPORTED: return kBadInput;
    case OCTET_LIMIT:
    case OCTET_DEADLINE: return kLimit;
    case OCTET_MACHINE: return kMachine;
  }
  return kMachine;
}

Result<runtime::CompileOptions> Global::compile_options() const {
  runtime::CompileOptions options;
  options.threads = threads;
  if (const auto known = runtime::provider_from_name(provider)) options.provider = *known;
  if (!isa.empty()) {
    const auto token = CpuToken::probe(isa_from_name(isa).value_or(Isa::scalar));
    if (!token)
      return Error{ErrorCode::invalid_argument, "this CPU lacks the instruction set '" + isa + "'"};
    options.cpu = *token;
  }
  return options;
}

int fail(const Error& error) { return fail(exit_code(error.code), error.message); }
int fail(const Failure& failure) { return fail(exit_code(failure.status), failure.message); }
int fail(int code, const std::string& message) {
  std::cerr << "octet: " << message << "\n";
  return code;
}

void Table::print() const {
  std::vector<size_t> widths(rows_[0].size(), 0);
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - std::min(widths[i], row[i].size()), ' ');
      line += (i ? "  " : "") + (i == 0 ? row[i] + pad : pad + row[i]);
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    std::cout << line << "\n";
  }
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string megabytes(double bytes) { return fixed(bytes / 1e6, 2) + " MB"; }

}  // namespace octet::cli
