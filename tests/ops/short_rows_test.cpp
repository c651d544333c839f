#include <doctest/doctest.h>

#include "engine/ops/common/strided.h"

using namespace octet;

TEST_CASE("copy_strided moves rows of any few bytes or none, and no bytes beside them") {
  constexpr int64_t kRows = 5, kGap = 3;
  SerialParallel serial;
  for (const int64_t size : {1, 2, 4, 8})
    for (int64_t inner = 0; inner * size <= 80; ++inner) {
      CAPTURE(size);
      CAPTURE(inner);
      const int64_t from_row = inner + 1, to_row = inner + kGap;
      std::vector<std::byte> from(static_cast<size_t>(kRows * from_row * size));
      for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 37 + 1);
      std::vector<std::byte> to(static_cast<size_t>(kRows * to_row * size), std::byte{0});
      std::vector<std::byte> expected = to;
      for (int64_t row = 0; row < kRows; ++row)
        for (int64_t i = 0; i < inner * size; ++i)
          expected[static_cast<size_t>(row * to_row * size + i)] =
              from[static_cast<size_t>(row * from_row * size + i)];
      const std::vector<int64_t> dims = {kRows, inner};
      copy_strided(to.data(), {to_row, 1}, from.data(), {from_row, 1}, dims,
                   static_cast<size_t>(size), serial);
      CHECK(to == expected);
    }
}
