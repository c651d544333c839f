#include <algorithm>
#include <cassert>

#include "kernels/elementwise_f32/elementwise_f32.h"

namespace octet::kernels {

extern const ElementwiseF32Table elementwise_f32_scalar;

namespace {

// Elements of a chunk that are worth waking a thread for.
constexpr size_t kGrain = 16384;

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

// The offsets of row `index`; dimension 0, the innermost, is the row itself.
struct Offsets {
  ptrdiff_t a = 0;
  ptrdiff_t b = 0;
};

Offsets offsets(const Odometer& m, size_t index) {
  Offsets at;
  for (size_t d = 1; d < m.rank; ++d) {
    const auto i = static_cast<ptrdiff_t>(index % m.shape[d]);
    index /= m.shape[d];
    at.a += i * m.a[d];
    at.b += i * m.b[d];
  }
  return at;
}

bool is_step(ptrdiff_t stride) { return stride == 0 || stride == 1; }

void run_row(const ElementwiseF32Table& table, BinaryF32 function, const Odometer& m,
             const float* a, const float* b, float* out, size_t count) {
  if (is_step(m.a[0]) && is_step(m.b[0]))
    return table.binary(function, a, m.a[0], b, m.b[0], out, count);
  for (size_t i = 0; i < count; ++i)
    table.binary(function, a + static_cast<ptrdiff_t>(i) * m.a[0], 0,
                 b + static_cast<ptrdiff_t>(i) * m.b[0], 0, out + i, 1);
}

// x to the power of 2 or 1/2 needs no library call.
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
  if (m.rank == 1) {
    parallel.for_ranges(m.shape[0], kGrain, [&](size_t begin, size_t end) {
      const auto at = static_cast<ptrdiff_t>(begin);
      run_row(row, args.function, m, args.a + at * m.a[0], args.b + at * m.b[0], args.out + begin,
              end - begin);
    });
    return;
  }
  size_t rows = 1;
  for (size_t d = 1; d < m.rank; ++d) rows *= m.shape[d];
  const size_t n = m.shape[0];
  parallel.for_ranges(
      rows, std::max<size_t>(1, kGrain / std::max<size_t>(1, n)), [&](size_t begin, size_t end) {
        for (size_t r = begin; r < end; ++r) {
          const Offsets at = offsets(m, r);
          run_row(row, args.function, m, args.a + at.a, args.b + at.b, args.out + r * n, n);
        }
      });
}

}  // namespace octet::kernels
