#pragma once

#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "kernels/cpu/isa.h"
#include "kernels/dispatch.h"

namespace octet::test {

/// Bytes that end where a page without access begins: one byte too far is a fault.
class GuardedBytes {
 public:
  explicit GuardedBytes(size_t size) : size_(size) {
    constexpr size_t kPage = 4096;
    mapped_ = (size + kPage - 1) / kPage * kPage + kPage;
    void* map = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) throw std::bad_alloc();
    map_ = static_cast<uint8_t*>(map);
    mprotect(map_ + mapped_ - kPage, kPage, PROT_NONE);
    data_ = map_ + mapped_ - kPage - size;
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(map_, mapped_); }

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  void randomize(uint32_t seed) {
    std::mt19937 engine(seed);
    for (size_t i = 0; i < size_; ++i) data_[i] = static_cast<uint8_t>(engine());
  }
  void fill(uint8_t value) { std::memset(data_, value, size_); }

 private:
  size_t size_, mapped_;
  uint8_t* map_;
  uint8_t* data_;
};

/// Bytes at a multiple of 64, as packed weights and scratch want them.
class AlignedBytes {
 public:
  explicit AlignedBytes(size_t size)
      : size_(size), data_(static_cast<uint8_t*>(::operator new (size, std::align_val_t{64}))) {}
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  ~AlignedBytes() { ::operator delete (data_, std::align_val_t{64}); }
  uint8_t* data() { return data_; }
  size_t size() const { return size_; }

 private:
  size_t size_;
  uint8_t* data_;
};

/// The first byte where two buffers of one size differ, or -1.
inline long first_difference(const GuardedBytes& a, const GuardedBytes& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a.data()[i] != b.data()[i]) return static_cast<long>(i);
  return -1;
}

/// Calls body(row) for each row of a family's table that this CPU runs, and checks that forcing
/// its instruction set selects it.
template <typename Rows, typename Select, typename Body>
void for_each_variant(const Rows& rows, Select select, Body body) {
  for (const auto& row : rows) {
    const auto token = CpuToken::probe(row.isa);
    if (!token) continue;
    CAPTURE(std::string(isa_name(row.isa)));
    CHECK(select(*token).isa == row.isa);
    body(*row.table);
  }
}

}  // namespace octet::test
