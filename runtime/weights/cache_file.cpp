#include "runtime/weights/cache_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "engine/ir/file_output.h"

namespace octet::runtime {
namespace {

constexpr std::array<char, 8> kMagic = {'o', 'c', 't', 'e', 't', 'p', 'k', '1'};
constexpr size_t kAlignment = 64;

std::shared_ptr<const MappedFile> map(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return nullptr;
  struct stat info {};
  std::shared_ptr<const MappedFile> file;
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
    if (auto mapped = MappedFile::map(descriptor, static_cast<size_t>(info.st_size), path.string()))
      file = std::move(*mapped);
  ::close(descriptor);
  return file;
}

template <typename T>
std::span<const std::byte> bytes_of(const T& object) {
  return std::as_bytes(std::span(&object, 1));
}

}  // namespace

struct CacheFile::Header {
  std::array<char, 8> magic = kMagic;
  uint64_t file_size = 0;
  Digest build;
  uint64_t count = 0;  ///< Of entries.
  Digest index;        ///< Of the entries, under the build as seed.
};

CacheFile::CacheFile(const std::filesystem::path& path, const Digest& build) : file_(map(path)) {
  if (file_) read_index(build);
}

void CacheFile::read_index(const Digest& build) {
  const auto bytes = file_->bytes();
  Header header;
  if (bytes.size() < sizeof(header)) return;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const auto rest = bytes.subspan(sizeof(header));
  if (header.magic != kMagic || header.file_size != bytes.size() || header.build != build ||
      header.count > rest.size() / sizeof(Entry))
    return;
  const auto index = rest.first(header.count * sizeof(Entry));
  if (digest_of(index, build) != header.index) return;
  for (size_t i = 0; i < header.count; ++i) {
    Entry entry;
    std::memcpy(&entry, index.data() + i * sizeof(Entry), sizeof(Entry));
    if (entry.offset % kAlignment == 0 && entry.offset <= bytes.size() &&
        entry.size <= bytes.size() - entry.offset)
      index_[entry.key] = entry;
  }
}

std::optional<Tensor> CacheFile::read(const Entry& entry) const {
  const auto content = file_->bytes().subspan(entry.offset, entry.size);
  if (digest_of(content, entry.key) != entry.content) return std::nullopt;
  return Tensor(DType::u8, {static_cast<int64_t>(entry.size)}, content, file_);
}

bool CacheFile::has(const Digest& key, size_t size) const {
  const auto at = index_.find(key);
  return at != index_.end() && at->second.size == size;
}

std::optional<Tensor> CacheFile::find(const Digest& key, size_t size) const {
  if (!has(key, size)) return std::nullopt;
  return read(index_.at(key));
}

std::map<Digest, Tensor> CacheFile::entries() const {
  std::map<Digest, Tensor> whole;
  for (const auto& [key, entry] : index_)
    if (auto tensor = read(entry)) whole.emplace(key, std::move(*tensor));
  return whole;
}

Status CacheFile::write(const std::filesystem::path& path, const Digest& build,
                        const std::map<Digest, Tensor>& entries) {
  std::vector<Entry> index;
  const auto aligned = [](size_t at) { return (at + kAlignment - 1) / kAlignment * kAlignment; };
  size_t at = aligned(sizeof(Header) + entries.size() * sizeof(Entry));
  size_t end = at;
  for (const auto& [key, tensor] : entries) {
    const auto bytes = tensor.bytes();
    index.push_back({key, at, bytes.size(), digest_of(bytes, key)});
    end = at + bytes.size();
    at = aligned(end);
  }
  const auto index_bytes = std::as_bytes(std::span(index));
  const Header header{kMagic, end, build, index.size(), digest_of(index_bytes, build)};
  FileOutput file(path);
  OCTET_RETURN_IF_ERROR(file.open());
  OCTET_RETURN_IF_ERROR(file.write(bytes_of(header)));
  OCTET_RETURN_IF_ERROR(file.write(index_bytes));
  for (const auto& [key, tensor] : entries) {
    OCTET_RETURN_IF_ERROR(file.align(kAlignment));
    OCTET_RETURN_IF_ERROR(file.write(tensor.bytes()));
  }
  return file.commit();
}

}  // namespace octet::runtime
