#include "runtime/provider_module.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "engine/ir/log.h"

namespace octet::runtime {
namespace {

namespace fs = std::filesystem;

// The folder of the library or program that holds this code.
fs::path own_folder() {
  Dl_info info{};
  static const char here = 0;
  if (::dladdr(&here, &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code error;
  // The program's own name may be what it was called by.
  const fs::path file = fs::path(info.dli_fname).has_parent_path()
                            ? fs::path(info.dli_fname)
                            : fs::read_symlink("/proc/self/exe", error);
  const fs::path real = fs::canonical(file, error);
  return error ? fs::path() : real.parent_path();
}

std::vector<fs::path> folders() {
  if (const char* given = ::secure_getenv("OCTET_PROVIDERS"); given != nullptr && *given != '\0')
    return {given};
  const fs::path own = own_folder();
  if (own.empty()) return {};
  return {own / "octet", own / ".." / "lib" / "octet", own / ".." / OCTET_LIBDIR / "octet", own};
}

}  // namespace

void log_missing(const Error& error) {
  log::lazily(log::Level::info, [&] { return error.message; });
}

Result<const ModuleHead*> load_module(std::string_view provider, uint32_t version) {
  const std::string name = "octet_" + std::string(provider) + ".so";
  for (const fs::path& folder : folders()) {
    std::error_code error;
    const fs::path path = folder / name;
    if (!fs::exists(path, error)) continue;
    void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) return unsupported(::dlerror());
    const auto* head = static_cast<const ModuleHead*>(::dlsym(module, "octet_provider"));
    if (head != nullptr && head->version == version) return head;
    ::dlclose(module);
    return unsupported("{}: it is for another version of octet", path.string());
  }
  return unsupported("the module {} isn't there", name);
}

}  // namespace octet::runtime
