#include "runtime/weights/build_identity.h"

#include <elf.h>
#include <link.h>

#include <cstring>

namespace octet::runtime {
namespace {

struct Search {
  uintptr_t code;
  std::optional<Digest> found;
};

size_t padded(size_t size) { return (size + 3) & ~size_t{3}; }

std::optional<Digest> build_id_of(const std::byte* notes, size_t size) {
  for (size_t at = 0; size - at >= sizeof(ElfW(Nhdr));) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + at, sizeof(note));
    const size_t name = at + sizeof(note);
    const size_t content = name + padded(note.n_namesz);
    if (content + note.n_descsz > size) return std::nullopt;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(notes + name, "GNU", 4) == 0)
      return digest_of({notes + content, note.n_descsz}, {});
    at = content + padded(note.n_descsz);
    if (at > size) return std::nullopt;
  }
  return std::nullopt;
}

int look(dl_phdr_info* module, size_t /*size*/, void* data) {
  auto& search = *static_cast<Search*>(data);
  const auto address = [&](const ElfW(Phdr) & part) { return module->dlpi_addr + part.p_vaddr; };
  bool ours = false;
  for (size_t i = 0; i < module->dlpi_phnum; ++i) {
    const auto& part = module->dlpi_phdr[i];
    ours = ours || (part.p_type == PT_LOAD && search.code >= address(part) &&
                    search.code < address(part) + part.p_memsz);
  }
  if (!ours) return 0;
  for (size_t i = 0; i < module->dlpi_phnum && !search.found; ++i) {
    const auto& part = module->dlpi_phdr[i];
    if (part.p_type == PT_NOTE)
      search.found = build_id_of(reinterpret_cast<const std::byte*>(address(part)), part.p_memsz);
  }
  return 1;
}

}  // namespace

std::optional<Digest> build_identity() {
  static const std::optional<Digest> identity = [] {
    Search search{reinterpret_cast<uintptr_t>(&look), std::nullopt};
    ::dl_iterate_phdr(&look, &search);
    return search.found;
  }();
  return identity;
}

}  // namespace octet::runtime
