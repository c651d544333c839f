#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "engine/ir/result.h"

namespace octet::onnx {

/// Bytes that live as long as a copy of `owner` does.
struct SharedBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

/// Maps a regular file for reading, as a MappedFile that `owner` holds.
Result<SharedBytes> map_file(const std::filesystem::path& path);

/// The files that hold external tensor data: those in the model's folder and below it.
class ExternalFiles {
 public:
  explicit ExternalFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// Maps `location` (relative, '/' between names) once. Refused are absolute paths, "..", symbolic
  /// links anywhere below the folder, files with more than one hard link, and all that isn't a
  /// regular file: each could reach outside the folder.
  Result<SharedBytes> open(const std::string& location);
  /// An error where one of them was cut short meanwhile.
  Status intact() const;

 private:
  std::filesystem::path folder_;
  std::map<std::string, SharedBytes> mapped_;
};

}  // namespace octet::onnx
