// What the tiles and driver.inl share. Included inside an anonymous namespace.

using Bytes = uint8_t*;
using ConstBytes = const uint8_t*;

/// Elements a side of the blocks that tasks are made of: in and out fit the first cache together.
constexpr size_t kBlock = 64;
constexpr size_t kBytesPerTask = 1 << 16;

size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
