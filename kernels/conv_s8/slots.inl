// Spreads tasks over slots of scratch. Included inside an anonymous namespace.

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
inline size_t larger(size_t a, size_t b) { return a > b ? a : b; }
inline size_t divide_up(size_t a, size_t b) { return (a + b - 1) / b; }
inline size_t round_up(size_t a, size_t b) { return divide_up(a, b) * b; }

/// The depths of a row of activations: `segments` of `groups` groups each, `pitch` bytes apart.
/// With each group, tiles may ask for another `ahead_step` bytes from `ahead` on: what is
/// multiplied next.
struct Depths {
  size_t groups, segments = 1, pitch = 0;
  const int8_t* ahead = nullptr;
  size_t ahead_step = 0;
};

/// Below this many multiply-accumulates a second thread costs more than it gives.
inline constexpr size_t kMacsPerThread = 200000;

/// Calls task(index, slot) for each index of [0, count); no two calls run in a slot at once, and
/// slots are below parallel.width().
template <typename Task>
void for_each_in_slots(size_t count, size_t macs, Parallel& parallel, Task task) {
  const size_t slots = smaller(smaller(parallel.width(), count), 1 + macs / kMacsPerThread);
  size_t next = 0;
  auto work = [&](size_t begin, size_t end) {
    for (size_t slot = begin; slot < end; ++slot)
      for (size_t i = __atomic_fetch_add(&next, size_t{1}, __ATOMIC_RELAXED); i < count;
           i = __atomic_fetch_add(&next, size_t{1}, __ATOMIC_RELAXED))
        task(i, slot);
  };
  parallel.for_ranges(slots, 1, work);
}
