#pragma once

#include <cstdlib>

#include "tests/support/conv_cases.h"
#include "tests/support/float_kernels.h"

// Random shapes: every row of a family gives the scalar row's bits, and touches no byte past the
// end of an operand, where a page without access begins.

namespace octet::test {

/// How many a family: OCTET_SHAPES, or 60.
inline size_t shapes() {
  const char* text = std::getenv("OCTET_SHAPES");
  return text == nullptr ? 60 : std::strtoull(text, nullptr, 10);
}

class Draw {
 public:
  explicit Draw(size_t seed) : engine_(static_cast<uint32_t>(seed)) {}
  /// Small numbers more often than large ones, since tails are where kernels differ.
  size_t size(size_t least, size_t most) {
    const size_t bound = engine_() % 2 == 0 ? most : std::min(most, least + 8);
    return least + engine_() % (bound - least + 1);
  }
  bool flip() { return engine_() % 2 == 0; }
  uint32_t bits() { return static_cast<uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

/// Floats that end at a page without access.
class GuardedFloats {
 public:
  explicit GuardedFloats(size_t count) : bytes_(count * 4) {}
  GuardedFloats(size_t count, uint32_t seed, float low = -3.0F, float high = 3.0F)
      : GuardedFloats(count) {
    const auto values = random_floats(count, seed, low, high);
    std::copy(values.begin(), values.end(), data());
  }
  float* data() { return reinterpret_cast<float*>(bytes_.data()); }
  const float* data() const { return reinterpret_cast<const float*>(bytes_.data()); }
  size_t size() const { return bytes_.size() / 4; }

 private:
  GuardedBytes bytes_;
};

inline bool same(const GuardedFloats& a, const GuardedFloats& b) {
  return first_difference(a.data(), b.data(), b.size()) == b.size();
}
inline bool same(const GuardedBytes& a, const GuardedBytes& b) {
  return first_difference(a, b) == -1;
}

/// `run(table, out, parallel)` on the scalar row and on each other one, serial and split.
template <typename Guarded, typename Rows, typename Select, typename Run>
void check_rows(const Rows& rows, Select select, size_t count, Run run) {
  SerialParallel serial;
  SplitParallel split;
  Guarded expected(count);
  run(*rows[0].table, expected.data(), serial);
  for_each_variant(rows, select, [&](const auto& table) {
    for (Parallel* parallel : {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
      Guarded out(count);
      run(table, out.data(), *parallel);
      CHECK(same(out, expected));
    }
  });
}
template <typename Rows, typename Select, typename Run>
void check_floats(const Rows& rows, Select select, size_t count, Run run) {
  check_rows<GuardedFloats>(rows, select, count, run);
}
template <typename Rows, typename Select, typename Run>
void check_bytes(const Rows& rows, Select select, size_t count, Run run) {
  check_rows<GuardedBytes>(rows, select, count, run);
}

/// f(draw, seed) for each shape.
template <typename F>
void for_shapes(F f) {
  for (size_t seed = 0; seed < shapes(); ++seed) {
    CAPTURE(seed);
    Draw draw(seed);
    f(draw, static_cast<uint32_t>(seed));
  }
}

/// A convolution that kernels take, its epilogue drawn as well.
inline ConvCase conv_case(Draw& draw, bool depthwise) {
  ConvCase c{.name = "random", .shape = {}};
  kernels::ConvShape& s = c.shape;
  s.groups = depthwise ? draw.size(1, 100) : draw.size(1, 3);
  s.in_channels = depthwise ? s.groups : s.groups * draw.size(1, 40);
  s.out_channels = depthwise ? s.groups : s.groups * draw.size(1, 40);
  s.batch = draw.size(1, 2);
  s.kernel_h = draw.size(1, 5);
  s.kernel_w = draw.size(1, 5);
  s.stride_h = draw.size(1, 3);
  s.stride_w = draw.size(1, 3);
  s.dilation_h = draw.size(1, 2);
  s.dilation_w = draw.size(1, 2);
  s.pad_top = draw.size(0, s.kernel_h);
  s.pad_left = draw.size(0, s.kernel_w);
  const auto extent = [&](size_t kernel, size_t dilation, size_t pad, size_t& in, size_t& out,
                          size_t stride) {
    const size_t reach = (kernel - 1) * dilation + 1;
    in = draw.size(reach > pad ? reach - pad : 1, reach + 14);
    out = (in + pad + draw.size(0, pad) - reach) / stride + 1;
  };
  extent(s.kernel_h, s.dilation_h, s.pad_top, s.in_h, s.out_h, s.stride_h);
  extent(s.kernel_w, s.dilation_w, s.pad_left, s.in_w, s.out_w, s.stride_w);
  c.in_signed = draw.flip();
  c.in_zero_point = static_cast<int32_t>(draw.size(0, 255)) - (c.in_signed ? 128 : 0);
  c.weights_signed = draw.flip();
  c.weight_zero_points = draw.flip();
  c.out = draw.flip() ? kernels::Element::u8 : kernels::Element::s8;
  c.bias = draw.flip();
  c.real_bias = draw.flip();
  c.residual = draw.flip();
  c.table = draw.flip();
  if (draw.flip()) c.in_pad = draw.size(1, 9);
  if (draw.flip()) c.out_pad = draw.size(1, 9);
  return c;
}

}  // namespace octet::test
