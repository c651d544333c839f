#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <type_traits>
#include <vector>

namespace octet {

/// A vector of plain values whose first N need no allocation: for geometry that is worked out in a
/// run, with an entry an axis.
template <typename T, size_t N>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  using value_type = T;
  SmallVector() = default;
  explicit SmallVector(size_t count, T value = T()) { resize(count, value); }
  SmallVector(std::initializer_list<T> values) : SmallVector(values.begin(), values.end()) {}
  template <std::input_iterator I>
  SmallVector(I begin, I end) {
    for (; begin != end; ++begin) push_back(*begin);
  }
  explicit(false) SmallVector(const std::vector<T>& values)
      : SmallVector(values.begin(), values.end()) {}

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return size_ <= N ? few_.data() : many_.data(); }
  const T* data() const { return size_ <= N ? few_.data() : many_.data(); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }
  const T& back() const { return data()[size_ - 1]; }

  void resize(size_t count, T value = T()) {
    const size_t kept = std::min(size_, count);
    if (count > N) {
      if (size_ <= N) many_.assign(few_.begin(), few_.begin() + static_cast<ptrdiff_t>(kept));
      many_.resize(count, value);
    } else {
      if (size_ > N) std::copy_n(many_.begin(), kept, few_.begin());
      std::fill(few_.begin() + static_cast<ptrdiff_t>(kept),
                few_.begin() + static_cast<ptrdiff_t>(count), value);
    }
    size_ = count;
  }
  void clear() { size_ = 0; }
  void push_back(T value) { resize(size_ + 1, value); }
  void pop_back() { resize(size_ - 1); }
  void insert_front(T value) {
    push_back(value);
    std::rotate(begin(), end() - 1, end());
  }
  void erase(size_t i) {
    std::copy(begin() + i + 1, end(), begin() + i);
    pop_back();
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<T, N> few_;
  std::vector<T> many_;  // All of them, when they are more than N.
  size_t size_ = 0;
};

}  // namespace octet
