#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/ir/memory.h"

using namespace octet;

namespace {

struct Block {
  std::shared_ptr<std::byte> memory;
  size_t size;
  std::byte mark;
};

bool holds(const Block& block, std::byte value) {
  return std::all_of(block.memory.get(), block.memory.get() + block.size,
                     [&](std::byte b) { return b == value; });
}

}  // namespace

TEST_CASE(
    "blocks of lasting memory are aligned, zeroed and their own, whoever lets go of them when") {
  std::mt19937 engine(5);
  std::vector<Block> blocks;
  const size_t sizes[] = {1, 100, 65535, 65536, 65537, 700000, 2 << 20, (2 << 20) + 1, 40 << 20};
  for (int i = 0; i < 90; ++i) {
    const size_t size = sizes[engine() % std::size(sizes)];
    auto memory = allocate_lasting(size);
    REQUIRE(memory);
    Block block{*memory, size, static_cast<std::byte>(1 + i)};
    CHECK(reinterpret_cast<uintptr_t>(block.memory.get()) % 64 == 0);
    CHECK(holds(block, std::byte{0}));
    std::fill_n(block.memory.get(), size, block.mark);
    blocks.push_back(std::move(block));
    if (engine() % 2 == 0 || blocks.size() > 8)
      blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(engine() % blocks.size()));
    for (const Block& other : blocks) CHECK(holds(other, other.mark));
  }
}

TEST_CASE("lasting memory is charged while it is held") {
  const auto budget = std::make_shared<MemoryBudget>(size_t{3} << 20);
  const BudgetScope scope(budget);
  auto first = allocate_lasting(size_t{2} << 20);
  REQUIRE(first);
  CHECK(budget->used() == size_t{2} << 20);
  CHECK_FALSE(allocate_lasting(size_t{2} << 20));
  first->reset();
  CHECK(budget->used() == 0);
  CHECK(allocate_lasting(size_t{2} << 20));
}
