#include <string>

#include "runtime/api/handles.h"
#include "runtime/providers.h"

using octet::ErrorCode;
using octet::api::guarded;
using octet::api::to_c;
namespace rt = octet::runtime;

octet::runtime::CompileOptions octet::api::compile_options(const octet_options* c) {
  rt::CompileOptions options = c == nullptr ? rt::CompileOptions{} : c->compile;
  if (c != nullptr && c->memory > 0) options.memory = std::make_shared<MemoryBudget>(c->memory);
  return options;
}

octet::api::Limit::Limit(const octet_options* c)
    : cancelled_(c == nullptr || c->cancel == nullptr
                     ? std::function<bool()>()
                     : [flag = c->cancel] { return __atomic_load_n(flag, __ATOMIC_RELAXED) != 0; }),
      scope_(c == nullptr || c->deadline_ms <= 0
                 ? std::nullopt
                 : std::optional(std::chrono::steady_clock::now() +
                                 std::chrono::milliseconds(c->deadline_ms)),
             cancelled_) {}

extern "C" {

octet_options* octet_options_new(void) { return new (std::nothrow) octet_options(); }
void octet_options_free(octet_options* options) { delete options; }
void octet_options_set_threads(octet_options* options, size_t threads) {
  options->compile.threads = threads;
}

void octet_options_set_memory(octet_options* options, size_t bytes) { options->memory = bytes; }
void octet_options_set_deadline(octet_options* options, int64_t ms, const int* cancel) {
  options->deadline_ms = ms;
  options->cancel = cancel;
}
void octet_options_set_bindings(octet_options* options, size_t count) {
  options->compile.cached_bindings =
      count > 0 ? count : octet::runtime::CompileOptions{}.cached_bindings;
}

octet_error* octet_options_set_cache(octet_options* options, const char* folder) {
  return guarded([&]() -> octet_error* {
    options->compile.cache = folder == nullptr ? "" : folder;
    return nullptr;
  });
}

octet_error* octet_options_set_provider(octet_options* options, const char* provider) {
  return guarded([&]() -> octet_error* {
    const auto known = rt::provider_from_name(provider);
    if (!known)
      return to_c(octet::Error{
          ErrorCode::invalid_argument,
          "unknown provider '" + std::string(provider) +
              "': auto, native, onednn, xnnpack, reference or one that was registered"});
    if (!rt::provider_is_here(*known))
      return to_c(octet::Error{ErrorCode::invalid_argument,
                               "there is no provider '" + std::string(provider) + "'"});
    options->compile.provider = *known;
    return nullptr;
  });
}

octet_error* octet_options_set_isa(octet_options* options, const char* isa) {
  return guarded([&]() -> octet_error* {
    const auto known = octet::isa_from_name(isa);
    if (!known)
      return to_c(octet::Error{ErrorCode::invalid_argument,
                               "unknown instruction set '" + std::string(isa) + "'"});
    const auto token = octet::CpuToken::probe(*known);
    if (!token)
      return to_c(octet::Error{ErrorCode::invalid_argument,
                               "this CPU lacks the instruction set '" + std::string(isa) + "'"});
    options->compile.cpu = *token;
    return nullptr;
  });
}

}  // extern "C"
