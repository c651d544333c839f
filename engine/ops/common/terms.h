#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "engine/ir/dtype.h"

// Elements of any type as terms of a total, so that what is done with them is compiled for three
// types of totals: double for floats, uint64_t for u64, int64_t for the other integers.

namespace octet {

/// The least and the greatest value of an element type.
template <typename T>
struct Limits {
  T lowest;
  T highest;
};

/// How elements of one type become totals, exactly, and how a total becomes one: integers keep
/// their low bits.
template <typename Total>
struct Elements {
  void (*read)(const std::byte* from, size_t step, size_t count, Total* to) = nullptr;
  void (*write)(Total total, std::byte* to) = nullptr;
  Limits<Total> limits{};
};

template <typename T, typename Total>
constexpr Elements<Total> elements_as() {
  using L = std::numeric_limits<T>;
  return {[](const std::byte* from, size_t step, size_t count, Total* to) {
            const T* x = reinterpret_cast<const T*>(from);
            for (size_t k = 0; k < count; ++k) to[k] = static_cast<Total>(x[k * step]);
          },
          [](Total total, std::byte* to) { *reinterpret_cast<T*>(to) = static_cast<T>(total); },
          {static_cast<Total>(L::has_infinity ? -L::infinity() : L::lowest()),
           static_cast<Total>(L::has_infinity ? L::infinity() : L::max())}};
}

/// Without functions where `dtype` has other totals, or none.
template <typename Total>
Elements<Total> elements_of(DType dtype) {
  using Integers = TypeList<int32_t, int64_t, int8_t, uint8_t, int16_t, uint16_t, uint32_t>;
  using Types = std::conditional_t<
      std::is_same_v<Total, double>, FloatTypes,
      std::conditional_t<std::is_same_v<Total, int64_t>, Integers, TypeList<uint64_t>>>;
  Elements<Total> elements;
  visit_dtype(dtype, Types{}, [&]<typename T>() { elements = elements_as<T, Total>(); });
  return elements;
}

/// The terms of one output: `extent` elements at a distance of `step`.
template <typename Total>
struct Terms {
  const Elements<Total>& elements;
  const std::byte* data;
  size_t extent;
  size_t step;
  size_t bytes;

  template <typename Use>
  void for_each(Use&& use) const {
    std::array<Total, 128> block;
    for (size_t k = 0; k < extent; k += block.size()) {
      const size_t count = std::min(block.size(), extent - k);
      elements.read(data + k * step * bytes, step, count, block.data());
      for (size_t i = 0; i < count; ++i) use(block[i]);
    }
  }
};

}  // namespace octet
