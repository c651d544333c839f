#include "engine/ir/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

namespace octet {
namespace {

const auto kPage = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
// Stays in a core's own cache.
constexpr size_t kReadAtOnce = size_t{64} << 10;

}  // namespace

// What the handler sees of a mapping. Never freed: the handler may look at any time.
struct MappedFile::Range {
  std::atomic<uintptr_t> begin{0};  // 0: nobody's
  std::atomic<uintptr_t> end{0};
  std::atomic<bool> cut{false};
  Range* next = nullptr;
};

// Every mapping that is alive, and the handler of their faults.
class MappedFile::Registry {
 public:
  static Registry& all() {
    static auto& registry = *new Registry;  // Never destroyed: a mapping may outlive it.
    return registry;
  }

  void add(const std::shared_ptr<MappedFile>& file) {
    const std::lock_guard lock(mutex_);
    Range* range = free_range();  // What can fail comes first: a file without a range isn't here.
    files_[begin_of(*file)] = file;
    if (files_.size() == 1) install();
    file->range_ = range;
    file->range_->cut = false;
    file->range_->end = begin_of(*file) + file->size_;
    file->range_->begin.store(begin_of(*file), std::memory_order_release);
  }

  void unmap(const MappedFile& file) {
    const std::lock_guard lock(mutex_);
    if (file.range_ != nullptr) file.range_->begin = 0;
    ::munmap(file.memory_, file.size_);
    if (file.range_ == nullptr) return;
    files_.erase(begin_of(file));
    if (files_.empty()) uninstall();
  }

  std::shared_ptr<const MappedFile> find(const void* at) {
    const auto address = reinterpret_cast<uintptr_t>(at);
    std::shared_ptr<const MappedFile> file;
    {
      const std::lock_guard lock(mutex_);
      const auto after = files_.upper_bound(address);
      if (after != files_.begin()) file = std::prev(after)->second.lock();
    }
    return file && address < begin_of(*file) + file->size_ ? file : nullptr;
  }

  // Their last holder's destructor takes the lock, so none may be let go under it.
  std::vector<std::shared_ptr<const MappedFile>> files() {
    std::vector<std::shared_ptr<const MappedFile>> alive;
    const std::lock_guard lock(mutex_);
    for (const auto& [begin, weak] : files_)
      if (auto file = weak.lock()) alive.push_back(std::move(file));
    return alive;
  }

 private:
  static uintptr_t begin_of(const MappedFile& file) {
    return reinterpret_cast<uintptr_t>(file.memory_);
  }

  static Range* free_range() {
    for (Range* range = ranges_.load(); range != nullptr; range = range->next)
      if (range->begin == 0) return range;
    auto* made = new Range;
    made->next = ranges_.load();
    ranges_.store(made, std::memory_order_release);
    return made;
  }

  // Only calls that are safe in a handler: mmap is a plain system call.
  static bool repair(const void* fault) {
    const auto address = reinterpret_cast<uintptr_t>(fault);
    for (Range* range = ranges_.load(std::memory_order_acquire); range != nullptr;
         range = range->next) {
      const uintptr_t begin = range->begin.load(std::memory_order_acquire);
      if (begin == 0 || address < begin || address >= range->end) continue;
      range->cut = true;
      const uintptr_t from = address / kPage * kPage;
      return ::mmap(reinterpret_cast<void*>(from), range->end - from, PROT_READ,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
    }
    return false;
  }

  static void on_fault(int signal, siginfo_t* info, void* context) {
    const int error = errno;
    const bool repaired = info->si_code == BUS_ADRERR && repair(info->si_addr);
    errno = error;
    if (repaired) return;
    if ((previous_.sa_flags & SA_SIGINFO) != 0)
      return previous_.sa_sigaction(signal, info, context);
    if (previous_.sa_handler != SIG_DFL && previous_.sa_handler != SIG_IGN)
      return previous_.sa_handler(signal);
    // The fault comes again as soon as this returns, and then ends the process as it would have.
    ::sigaction(signal, &previous_, nullptr);
  }

  static bool is_ours(const struct sigaction& action) {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == &on_fault;
  }

  // A handler that was put over ours meanwhile is taken to call ours: installing it again would
  // make the two call each other for ever.
  void install() {
    if (buried_) return;
    struct sigaction action {};
    action.sa_sigaction = &on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, nullptr, &previous_);
    ::sigaction(SIGBUS, &action, nullptr);
  }

  void uninstall() {
    struct sigaction current {};
    ::sigaction(SIGBUS, nullptr, &current);
    buried_ = !is_ours(current);
    if (!buried_) ::sigaction(SIGBUS, &previous_, nullptr);
  }

  static inline std::atomic<Range*> ranges_{nullptr};
  static inline struct sigaction previous_ {};
  std::mutex mutex_;
  std::map<uintptr_t, std::weak_ptr<const MappedFile>> files_;
  bool buried_ = false;
};

MappedFile::MappedFile(int descriptor, void* memory, size_t size, std::string name)
    : descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)),
      memory_(memory),
      size_(size),
      name_(std::move(name)) {}

MappedFile::~MappedFile() {
  Registry::all().unmap(*this);
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::shared_ptr<const MappedFile>> MappedFile::map(int descriptor, size_t size,
                                                          std::string name) {
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (memory == MAP_FAILED)
    return Error{ErrorCode::machine, "cannot map '" + name + "': " + std::strerror(errno)};
  std::unique_ptr<MappedFile> made(new (std::nothrow)
                                       MappedFile(descriptor, memory, size, std::move(name)));
  if (!made) {
    ::munmap(memory, size);
    return Error{ErrorCode::machine, "out of memory"};
  }
  std::shared_ptr<MappedFile> file(std::move(made));
  Registry::all().add(file);
  return std::shared_ptr<const MappedFile>(std::move(file));
}

void MappedFile::read(std::span<const std::byte> part,
                      FunctionRef<void(std::span<const std::byte>)> take) const {
  if (descriptor_ < 0) return take(part);  // No more descriptors: by way of the mapping.
  std::vector<std::byte> block(std::min(part.size(), kReadAtOnce));
  while (!part.empty()) {
    const auto at = static_cast<off_t>(part.data() - static_cast<const std::byte*>(memory_));
    const size_t wanted = std::min(part.size(), block.size());
    size_t read = 0;
    while (read < wanted) {
      const ssize_t got =
          ::pread(descriptor_, block.data() + read, wanted - read, at + static_cast<off_t>(read));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      read += static_cast<size_t>(got);
    }
    if (read < wanted) range_->cut = true;
    std::fill(block.begin() + static_cast<ptrdiff_t>(read), block.end(), std::byte{0});
    take({block.data(), wanted});
    part = part.subspan(wanted);
  }
}

Status MappedFile::intact() const {
  if (!range_->cut) return {};
  return invalid_data("'{}' was cut short while it was being read", name_);
}

std::shared_ptr<const MappedFile> MappedFile::find(const void* at) {
  return Registry::all().find(at);
}

void MappedFile::release(std::span<const std::byte> part) {
  if (!find(part.data())) return;
  const auto begin = (reinterpret_cast<uintptr_t>(part.data()) + kPage - 1) / kPage * kPage;
  const auto end = reinterpret_cast<uintptr_t>(part.data() + part.size()) / kPage * kPage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

void MappedFile::release_all() {
  for (const auto& file : Registry::all().files())
    ::madvise(file->memory_, file->size_, MADV_DONTNEED);
}

Status MappedFile::all_intact() {
  for (const auto& file : Registry::all().files()) OCTET_RETURN_IF_ERROR(file->intact());
  return {};
}

}  // namespace octet
