#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "engine/ir/digest.h"
#include "engine/ir/mapped_file.h"
#include "engine/ir/tensor.h"

namespace octet::runtime {

/// A file of packed weights: a header, an index by key, then the weights, each on a cache line's
/// boundary. All parts have a digest, so that damage shows. Written whole or not at all.
class CacheFile {
 public:
  /// Maps the file that this `build` wrote at `path`. One that isn't there, is another build's, or
  /// is damaged has no entries.
  CacheFile(const std::filesystem::path& path, const Digest& build);

  /// The `size` bytes of a key; nothing when they aren't there or are damaged. Thread-safe.
  std::optional<Tensor> find(const Digest& key, size_t size) const;
  bool has(const Digest& key, size_t size) const;
  const std::shared_ptr<const MappedFile>& mapping() const { return file_; }
  /// All entries that are whole.
  std::map<Digest, Tensor> entries() const;

  static Status write(const std::filesystem::path& path, const Digest& build,
                      const std::map<Digest, Tensor>& entries);

 private:
  struct Entry {
    Digest key;
    uint64_t offset = 0;
    uint64_t size = 0;
    Digest content;
  };
  struct Header;
  void read_index(const Digest& build);
  std::optional<Tensor> read(const Entry& entry) const;

  std::shared_ptr<const MappedFile> file_;
  std::map<Digest, Entry> index_;
};

}  // namespace octet::runtime
