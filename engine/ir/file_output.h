#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "engine/ir/result.h"

namespace octet {

/// A file that appears whole or not at all: written under a temporary name beside `path`; `commit`
/// puts its bytes on the disk and renames it. Without a commit the temporary file goes away.
class FileOutput {
 public:
  explicit FileOutput(std::filesystem::path path) : path_(std::move(path)) {}
  ~FileOutput();
  FileOutput(const FileOutput&) = delete;
  FileOutput& operator=(const FileOutput&) = delete;

  Status open();
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  /// Writes zeros until the file's size is a multiple of `alignment`.
  Status align(size_t alignment);
  size_t size() const { return size_; }
  /// Flushes to the disk: what can still fail after it is the rename.
  Status sync();
  Status commit();

 private:
  Status flush();
  Error failed(const std::string& what) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;
  size_t size_ = 0;
  std::string buffer_;
};

}  // namespace octet
