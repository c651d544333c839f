#include "importers/onnx/mapping.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "engine/ir/mapped_file.h"

namespace octet::onnx {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

// O_NONBLOCK: opening a pipe must not wait for its writer.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

Error cannot_open(const std::string& name) {
  const ErrorCode code = errno == EMFILE || errno == ENFILE || errno == EIO
                             ? ErrorCode::machine
                             : ErrorCode::invalid_model;
  return {code, "cannot open '" + name + "': " + std::strerror(errno)};
}

Result<SharedBytes> map_descriptor(const FileDescriptor& file, const struct stat& info,
                                   const std::string& name) {
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return SharedBytes{};
  OCTET_ASSIGN(auto mapped, MappedFile::map(file.get(), size, name));
  const auto bytes = mapped->bytes();
  return SharedBytes{bytes, std::move(mapped)};
}

Result<std::vector<std::string>> split_location(const std::string& location) {
  const auto refuse = [&](const char* why) {
    return invalid_model("external data '{}' {}", location, why);
  };
  if (location.empty()) return invalid_model("external data without a location");
  if (location.find('\0') != std::string::npos) return refuse("has a zero byte in its name");
  if (location.front() == '/') return refuse("is an absolute path");
  std::vector<std::string> parts;
  for (size_t at = 0; at <= location.size();) {
    const size_t slash = std::min(location.find('/', at), location.size());
    std::string part = location.substr(at, slash - at);
    if (part == "..") return refuse("leaves the model's folder");
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
    at = slash + 1;
  }
  if (parts.empty()) return refuse("names no file");
  return parts;
}

}  // namespace

Result<SharedBytes> map_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), kOpenFlags));
  if (!file.ok()) return cannot_open(path.string());
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return cannot_open(path.string());
  if (!S_ISREG(info.st_mode)) return invalid_model("'{}' is not a regular file", path.string());
  return map_descriptor(file, info, path.string());
}

Status ExternalFiles::intact() const {
  for (const auto& [location, file] : mapped_)
    if (const auto mapped = MappedFile::find(file.bytes.data()))
      OCTET_RETURN_IF_ERROR(mapped->intact());
  return {};
}

Result<SharedBytes> ExternalFiles::open(const std::string& location) {
  if (const auto at = mapped_.find(location); at != mapped_.end()) return at->second;
  OCTET_ASSIGN(const auto parts, split_location(location));
  const auto refuse = [&](const std::string& why) {
    return invalid_model("external data '{}' {}", location, why);
  };
  const std::string folder = folder_.empty() ? "." : folder_.string();
  FileDescriptor at(::open(folder.c_str(), kOpenFlags | O_DIRECTORY));
  if (!at.ok()) return cannot_open(folder);
  for (size_t i = 0; i < parts.size(); ++i) {
    const int kind = i + 1 < parts.size() ? O_DIRECTORY : 0;
    FileDescriptor next(::openat(at.get(), parts[i].c_str(), kOpenFlags | O_NOFOLLOW | kind));
    if (!next.ok())
      return refuse(errno == ELOOP ? "is a symbolic link" : std::string(std::strerror(errno)));
    at = std::move(next);
  }
  struct stat info {};
  if (::fstat(at.get(), &info) != 0) return refuse(std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return refuse("is not a regular file");
  if (info.st_nlink > 1) return refuse("has more than one hard link");
  OCTET_ASSIGN(SharedBytes bytes, map_descriptor(at, info, location));
  mapped_.emplace(location, bytes);
  return bytes;
}

}  // namespace octet::onnx
