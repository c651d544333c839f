#include "cli/cli.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "runtime/providers.h"

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

Error to_error(const Failure& failure) {
  const auto code = [&] {
    switch (failure.status) {
      case OCTET_OK:
      case OCTET_INVALID_ARGUMENT: return ErrorCode::invalid_argument;
      case OCTET_INVALID_MODEL: return ErrorCode::invalid_model;
      case OCTET_INVALID_DATA: return ErrorCode::invalid_data;
      case OCTET_UNSUPPORTED: return ErrorCode::unsupported;
      case OCTET_LIMIT: return ErrorCode::limit;
      case OCTET_DEADLINE: return ErrorCode::deadline;
      case OCTET_MACHINE: return ErrorCode::machine;
    }
    return ErrorCode::machine;
  };
  return {code(), failure.message};
}

std::optional<std::chrono::steady_clock::time_point> Global::deadline() const {
  if (deadline_ms <= 0) return std::nullopt;
  return start + std::chrono::milliseconds(deadline_ms);
}

Status Global::check_deadline() const {
  const auto end = deadline();
  if (!end || std::chrono::steady_clock::now() < *end) return {};
  return Error{ErrorCode::deadline,
               "the deadline of " + std::to_string(deadline_ms) + " ms has passed"};
}

runtime::RunOptions Global::run_options() const {
  runtime::RunOptions options;
  options.deadline = deadline();
  return options;
}

octet_run_options Global::c_run_options() const {
  octet_run_options options{};
  if (const auto end = deadline()) {
    const auto left = *end - std::chrono::steady_clock::now();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
    options.deadline_ms = std::max<int64_t>(ms, 1);
  }
  return options;
}

Result<runtime::CompileOptions> Global::compile_options() const {
  runtime::CompileOptions options;
  options.threads = threads;
  options.cache = cache;
  if (const auto known = runtime::provider_from_name(provider)) options.provider = *known;
  if (!runtime::provider_is_here(options.provider))
    return Error{ErrorCode::invalid_argument, "there is no provider '" + provider + "'"};
  if (!isa.empty()) {
    const auto token = CpuToken::probe(isa_from_name(isa).value_or(Isa::scalar));
    if (!token)
      return Error{ErrorCode::invalid_argument, "this CPU lacks the instruction set '" + isa + "'"};
    options.cpu = *token;
  }
  return options;
}

int fail(const Error& error) { return fail(exit_code(error.code), error.message); }
int fail(const Failure& failure) { return fail(to_error(failure)); }
int fail(int code, const std::string& message) {
  std::cerr << "octet: " << message << "\n";
  return code;
}

std::string to_text(const nlohmann::json& json) {
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
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
