#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/ir/result.h"
#include "kernels/parallel.h"

namespace octet {

/// A regular file mapped for reading. One that is cut short meanwhile reads as zeros past its end
/// and is no longer `intact`: while a mapping is alive, a handler of SIGBUS puts zero pages in the
/// place of missing ones. Faults elsewhere go to the handler that was there before.
class MappedFile {
 public:
  /// Maps `size` bytes of an open file; `name` is for messages.
  static Result<std::shared_ptr<const MappedFile>> map(int descriptor, size_t size,
                                                       std::string name);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(memory_), size_};
  }
  /// Hands copies of the bytes of `part` to `take`, in order, in blocks of whole kilobytes (but for
  /// the last): reading a mapping's pages once this way is faster than bringing them into it and
  /// letting them go. What the file no longer has is zeros, and then it isn't `intact`.
  void read(std::span<const std::byte> part,
            FunctionRef<void(std::span<const std::byte>)> take) const;
  /// An error that names the file when a part of it was missing at a read so far.
  Status intact() const;

  /// The mapping in which `at` lies; null when there is none.
  static std::shared_ptr<const MappedFile> find(const void* at);
  /// Lets the machine take back the pages that lie within `part` of a mapping. They are read again
  /// when they are next touched. Other memory is left alone.
  static void release(std::span<const std::byte> part);
  /// The same for all of every mapping.
  static void release_all();
  /// The first mapping's error, when one isn't intact.
  static Status all_intact();

 private:
  struct Range;
  class Registry;
  MappedFile(int descriptor, void* memory, size_t size, std::string name);

  int descriptor_;
  void* memory_;
  size_t size_;
  std::string name_;
  Range* range_ = nullptr;
};

}  // namespace octet
