#include "engine/ir/file_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace octet {

FileOutput::~FileOutput() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error FileOutput::failed(const std::string& what) const {
  return {ErrorCode::machine,
          "cannot " + what + " '" + path_.string() + "': " + std::strerror(errno)};
}

Status FileOutput::open() {
  static std::atomic<unsigned> counter{0};
  std::error_code error;
  const auto kind = std::filesystem::status(path_, error).type();
  if (kind != std::filesystem::file_type::not_found &&
      kind != std::filesystem::file_type::regular && kind != std::filesystem::file_type::none)
    return Error{ErrorCode::invalid_argument, "'" + path_.string() + "' is not a regular file"};
  for (int attempt = 0; attempt < 100 && fd_ < 0; ++attempt) {
    const std::string name = "." + path_.filename().string() + "." + std::to_string(::getpid()) +
                             "." + std::to_string(counter.fetch_add(1)) + ".tmp";
    const auto temporary = path_.parent_path() / name;
    fd_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ >= 0) temporary_ = temporary;
    if (fd_ < 0 && errno != EEXIST) break;
  }
  return fd_ < 0 ? Status(failed("write")) : Status();
}

Status FileOutput::write(std::span<const std::byte> bytes) {
  constexpr size_t kBuffer = size_t{1} << 16;
  size_ += bytes.size();
  if (bytes.size() < kBuffer) {
    buffer_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return buffer_.size() < kBuffer ? Status() : flush();
  }
  OCTET_RETURN_IF_ERROR(flush());
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_, bytes.data(), std::min(bytes.size(), size_t{1} << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("write");
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return {};
}

Status FileOutput::flush() {
  size_t at = 0;
  while (at < buffer_.size()) {
    const ssize_t done = ::write(fd_, buffer_.data() + at, buffer_.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("write");
    at += static_cast<size_t>(done);
  }
  buffer_.clear();
  return {};
}

Status FileOutput::align(size_t alignment) {
  const size_t rest = size_ % alignment;
  return rest == 0 ? Status() : write(std::string(alignment - rest, '\0'));
}

Status FileOutput::sync() {
  OCTET_RETURN_IF_ERROR(flush());
  return ::fsync(fd_) == 0 ? Status() : Status(failed("write"));
}

Status FileOutput::commit() {
  OCTET_RETURN_IF_ERROR(sync());
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) return failed("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("replace");
  temporary_.clear();
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  const int parent = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return {};  // the file is there; only the folder can't be flushed
  const bool flushed = ::fsync(parent) == 0 || errno == EINVAL;
  const Error error = failed("flush the folder of");
  ::close(parent);
  return flushed ? Status() : Status(error);
}

}  // namespace octet
