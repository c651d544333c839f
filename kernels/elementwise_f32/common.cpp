#include <algorithm>
#include <cassert>

#include "kernels/elementwise_f32/elementwise_f32.h"

namespace octet::kernels {

extern const ElementwiseF32Table elementwise_f32_scalar;

namespace {

// Elements of a chunk that are worth waking a thread for.
constexpr size_t kGrain = 16384;
// Rows shorter than this aren't worth a call of their own.
constexpr size_t kShortRow = 16;
constexpr size_t kGathered = 512;

// Functions of the C library, which every instruction set takes from the scalar row.
bool is_library(UnaryF32 f) { return f == UnaryF32::sin || f == UnaryF32::cos; }

// The dimensions without those of size 1, neighbours merged where both operands allow.
struct Odometer {
  size_t rank = 0;
  size_t shape[kBinaryF32Rank] = {};
  ptrdiff_t a[kBinaryF32Rank] = {};
  ptrdiff_t b[kBinaryF32Rank] = {};
};

Odometer merged(const BinaryF32Args& args) {
  Odometer m;
  for (size_t d = args.rank; d-- > 0;) {
    const size_t size = args.shape[d];
    if (size == 1) continue;
    const auto inner = m.rank > 0 ? static_cast<ptrdiff_t>(m.shape[m.rank - 1]) : 0;
    if (m.rank > 0 && args.a_stride[d] == m.a[m.rank - 1] * inner &&
        args.b_stride[d] == m.b[m.rank - 1] * inner) {
      m.shape[m.rank - 1] *= size;
      continue;
    }
    m.shape[m.rank] = size;
    m.a[m.rank] = args.a_stride[d];
    m.b[m.rank] = args.b_stride[d];
    ++m.rank;
  }
  if (m.rank == 0) m = {1, {1}, {0}, {0}};
  return m;
}

// Walks over rows; dimension 0, the innermost, is the row itself.
class Rows {
 public:
  Rows(const Odometer& m, size_t row) : m_(m) {
    for (size_t d = 1; d < m.rank; ++d) {
      index_[d] = row % m.shape[d];
      row /= m.shape[d];
      a_ += static_cast<ptrdiff_t>(index_[d]) * m.a[d];
      b_ += static_cast<ptrdiff_t>(index_[d]) * m.b[d];
    }
  }
  // Where the row starts in each operand.
  ptrdiff_t a() const { return a_; }
  ptrdiff_t b() const { return b_; }
  void next() {
    for (size_t d = 1; d < m_.rank; ++d) {
      a_ += m_.a[d];
      b_ += m_.b[d];
      if (++index_[d] < m_.shape[d]) return;
      a_ -= static_cast<ptrdiff_t>(m_.shape[d]) * m_.a[d];
      b_ -= static_cast<ptrdiff_t>(m_.shape[d]) * m_.b[d];
      index_[d] = 0;
    }
  }

 private:
  const Odometer& m_;
  size_t index_[kBinaryF32Rank] = {};
  ptrdiff_t a_ = 0;
  ptrdiff_t b_ = 0;
};

// Whether rows are long enough for a call each, and have steps of 0 or 1.
bool has_rows(const Odometer& m) {
  const auto is_step = [](ptrdiff_t stride) { return stride == 0 || stride == 1; };
  return is_step(m.a[0]) && is_step(m.b[0]) && (m.rank == 1 || m.shape[0] >= kShortRow);
}

// Elements [begin, end): operands are copied together a buffer at a time.
void run_gathered(const ElementwiseF32Table& table, const BinaryF32Args& args, const Odometer& m,
                  size_t begin, size_t end) {
  float a[kGathered];
  float b[kGathered];
  const size_t n = m.shape[0];
  Rows at(m, begin / n);
  size_t column = begin % n;
  while (begin < end) {
    const size_t count = std::min(end - begin, kGathered);
    size_t done = 0;
    while (done < count) {
      const size_t run = std::min(n - column, count - done);
      for (size_t i = 0; i < run; ++i) {
        const auto along = static_cast<ptrdiff_t>(column + i);
        a[done + i] = args.a[at.a() + along * m.a[0]];
        b[done + i] = args.b[at.b() + along * m.b[0]];
      }
      done += run;
      column += run;
      if (column == n) {
        column = 0;
        at.next();
      }
    }
    table.binary(args.function, a, 1, b, 1, args.out + begin, count);
    begin += count;
  }
}

// x to the power of 2 needs no library call.
BinaryF32Args simplified(BinaryF32Args args) {
  if (args.function != BinaryF32::pow) return args;
  for (size_t d = 0; d < args.rank; ++d)
    if (args.b_stride[d] != 0) return args;
  if (args.b != nullptr && *args.b == 2.0F) {
    args.function = BinaryF32::mul;
    args.b = args.a;
    std::copy_n(args.a_stride, args.rank, args.b_stride);
  }
  return args;
}

}  // namespace

void unary_f32(const ElementwiseF32Table& table, const UnaryF32Args& args, Parallel& parallel) {
  const ElementwiseF32Table& row = is_library(args.function) ? elementwise_f32_scalar : table;
  parallel.for_ranges(args.count, kGrain, [&](size_t begin, size_t end) {
    UnaryF32Args part = args;
    part.x += begin;
    part.y += begin;
    part.count = end - begin;
    row.unary(part);
  });
}

void binary_f32(const ElementwiseF32Table& table, const BinaryF32Args& given, Parallel& parallel) {
  assert(given.rank <= kBinaryF32Rank);
  const BinaryF32Args args = simplified(given);
  const ElementwiseF32Table& row = args.function == BinaryF32::pow ? elementwise_f32_scalar : table;
  const Odometer m = merged(args);
  size_t rows = 1;
  for (size_t d = 1; d < m.rank; ++d) rows *= m.shape[d];
  const size_t n = m.shape[0];
  if (!has_rows(m)) {
    parallel.for_ranges(rows * n, kGrain / 4,
                        [&](size_t begin, size_t end) { run_gathered(row, args, m, begin, end); });
  } else if (m.rank == 1) {
    parallel.for_ranges(n, kGrain, [&](size_t begin, size_t end) {
      const auto at = static_cast<ptrdiff_t>(begin);
      row.binary(args.function, args.a + at * m.a[0], m.a[0], args.b + at * m.b[0], m.b[0],
                 args.out + begin, end - begin);
    });
  } else {
    parallel.for_ranges(rows, std::max<size_t>(1, kGrain / n), [&](size_t begin, size_t end) {
      Rows at(m, begin);
      for (size_t r = begin; r < end; ++r, at.next())
        row.binary(args.function, args.a + at.a(), m.a[0], args.b + at.b(), m.b[0],
                   args.out + r * n, n);
    });
  }
}

}  // namespace octet::kernels
