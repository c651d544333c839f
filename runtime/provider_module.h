#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/ir/result.h"

// Providers' libraries are linked by modules, octet_<provider>.so, which are loaded when a provider
// is first asked for. Nothing but tables of C functions passes between a module and octet, so
// neither links the other. The quantizer may be a module, too (quantizer/module.h).

namespace octet::runtime {

/// What every table begins with.
struct ModuleHead {
  uint32_t version;  ///< Of the table's layout; must be what octet expects.
};

/// Why a function of a module failed; it returns false then.
struct ModuleFailure {
  ErrorCode code = ErrorCode::unsupported;
  char message[200] = "";
};
inline Error to_error(const ModuleFailure& failure) { return {failure.code, failure.message}; }

/// The table that the module exports as `octet_provider`, in the folder $OCTET_PROVIDERS, beside
/// this library or program, or where it is installed. Fails where it isn't there, can't be loaded,
/// or is of another version. The module stays loaded.
Result<const ModuleHead*> load_module(std::string_view provider, uint32_t version);

/// The same once a process, as the provider's own table; null where it fails, which is logged.
template <typename Table>
const Table* module_table(std::string_view provider);

/// Logs why a provider isn't there.
void log_missing(const Error& error);

template <typename Table>
const Table* module_table(std::string_view provider) {
  static const Table* const table = [&]() -> const Table* {
    const auto head = load_module(provider, Table::kVersion);
    if (!head) log_missing(head.error());
    return head ? reinterpret_cast<const Table*>(*head) : nullptr;
  }();
  return table;
}

}  // namespace octet::runtime
