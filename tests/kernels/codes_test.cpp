#include <limits>

#include "kernels/elementwise_s8/elementwise_s8.h"
#include "kernels/pool_s8/pool_s8.h"
#include "kernels/quantize_linear/quantize_linear.h"
#include "tests/support/code_kernels.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

/// Floats that end at a page without access.
struct GuardedFloats {
  explicit GuardedFloats(const std::vector<float>& values) : bytes(values.size() * 4) {
    std::memcpy(bytes.data(), values.data(), values.size() * 4);
  }
  const float* data() const { return reinterpret_cast<const float*>(bytes.data()); }
  GuardedBytes bytes;
};

struct QuantizeCase {
  const char* name;
  size_t outer, channels, inner;
  Element type;
  int32_t low, high;
};

const QuantizeCase kQuantizeCases[] = {
    {"u8", 1, 1, 1003, Element::u8, 0, 255},
    {"s8, by channel", 3, 5, 37, Element::s8, -128, 127},
    {"s4 unpacked, channels last", 7, 35, 1, Element::s8, -8, 7},
    {"u16", 1, 1, 77, Element::u16, 0, 65535},
    {"s16, channels last", 5, 19, 1, Element::s16, -32768, 32767},
};

size_t bytes_of(Element type) {
  return type == Element::u8 || type == Element::s8 ? 1 : (type == Element::s32 ? 4 : 2);
}

std::vector<float> floats_with_awkward_ones(size_t count) {
  std::vector<float> values = random_floats(count, 3, -40.0F, 40.0F);
  const std::vector<float> awkward = awkward_floats();
  for (size_t i = 0; i < awkward.size() && 2 * i < count; ++i) values[2 * i] = awkward[i];
  return values;
}

}  // namespace

TEST_CASE("quantize_linear: quantizing and dequantizing give the oracle's bits") {
  SerialParallel serial;
  for (const QuantizeCase& c : kQuantizeCases) {
    CAPTURE(std::string(c.name));
    const size_t count = c.outer * c.channels * c.inner;
    const GuardedFloats in(floats_with_awkward_ones(count));
    std::vector<float> scale(c.channels);
    std::vector<int32_t> zero(c.channels);
    for (size_t i = 0; i < c.channels; ++i) {
      scale[i] = 0.013F * static_cast<float>(i + 1);
      zero[i] = static_cast<int32_t>(i % 5) + (c.low + c.high) / 2;
    }
    GuardedBytes expected(count * bytes_of(c.type)), out(count * bytes_of(c.type));
    GuardedBytes expected_floats(count * 4), out_floats(count * 4);
    auto both = [&](const QuantizeLinearTable& table, GuardedBytes& codes, GuardedBytes& floats) {
      table.quantize({in.data(), codes.data(), c.type, c.outer, c.channels, c.inner, scale.data(),
                      zero.data(), c.low, c.high},
                     serial);
      table.dequantize({codes.data(), c.type, reinterpret_cast<float*>(floats.data()), c.outer,
                        c.channels, c.inner, scale.data(), zero.data()},
                       serial);
    };
    both(*quantize_linear_variants()[0].table, expected, expected_floats);
    for_each_variant(quantize_linear_variants(), select_quantize_linear,
                     [&](const QuantizeLinearTable& table) {
                       both(table, out, out_floats);
                       CHECK(first_difference(out, expected) == -1);
                       CHECK(first_difference(out_floats, expected_floats) == -1);
                     });
  }
}

TEST_CASE("quantize_linear: requantizing gives the oracle's codes") {
  SerialParallel serial;
  for (const Element in_type : {Element::u8, Element::s8, Element::u16, Element::s16, Element::s32})
    for (const Element out_type : {Element::u8, Element::s16}) {
      constexpr size_t kCount = 203;
      GuardedBytes in(kCount * bytes_of(in_type));
      GuardedBytes expected(kCount * bytes_of(out_type)), out(kCount * bytes_of(out_type));
      in.randomize(4);
      RequantizeArgs args{.in = in.data(),
                          .in_type = in_type,
                          .in_zero_point = 0,
                          .out = expected.data(),
                          .out_type = out_type,
                          .out_zero_point = 9,
                          .multiplier = 0.73F,
                          .low = 0,
                          .high = 250,
                          .count = kCount};
      quantize_linear_variants()[0].table->requantize(args, serial);
      args.out = out.data();
      for_each_variant(quantize_linear_variants(), select_quantize_linear,
                       [&](const QuantizeLinearTable& table) {
                         table.requantize(args, serial);
                         CHECK(first_difference(out, expected) == -1);
                       });
    }
}

TEST_CASE("quantize_linear: dynamic quantization gives the oracle's codes and parameters") {
  SplitParallel split;
  for (const size_t columns : {1, 5, 16, 100, 70000})
    for (const float low : {-3.0F, 0.5F, 0.0F}) {
      const float high = low == 0.0F ? 0.0F : low + 7.0F;
      std::vector<float> values = random_floats(columns * 2, 9, low, high);
      if (columns > 5) values[3] = std::numeric_limits<float>::quiet_NaN();
      const GuardedFloats in(values);
      GuardedBytes expected(columns * 2), out(columns * 2);
      float scales[2][2];
      int32_t zeros[2][2];
      auto rows = [&](const QuantizeLinearTable& table, GuardedBytes& codes, size_t k, bool s8) {
        table.dynamic_rows({.in = in.data(),
                            .rows = 2,
                            .columns = columns,
                            .out = codes.data(),
                            .out_signed = s8,
                            .scale = scales[k],
                            .zero_point = zeros[k]},
                           split);
      };
      for (const bool s8 : {false, true}) {
        rows(*quantize_linear_variants()[0].table, expected, 0, s8);
        for_each_variant(quantize_linear_variants(), select_quantize_linear,
                         [&](const QuantizeLinearTable& table) {
                           rows(table, out, 1, s8);
                           CHECK(first_difference(out, expected) == -1);
                           CHECK(std::memcmp(scales[0], scales[1], sizeof(scales[0])) == 0);
                           CHECK(std::memcmp(zeros[0], zeros[1], sizeof(zeros[0])) == 0);
                         });
      }
      uint8_t zero[2];
      const auto& oracle = *quantize_linear_variants()[0].table;
      oracle.dynamic(in.data(), columns * 2, expected.data(), &scales[0][0], &zero[0], split);
      for_each_variant(quantize_linear_variants(), select_quantize_linear,
                       [&](const QuantizeLinearTable& table) {
                         table.dynamic(in.data(), columns * 2, out.data(), &scales[1][0], &zero[1],
                                       split);
                         CHECK(first_difference(out, expected) == -1);
                         CHECK(scales[0][0] == scales[1][0]);
                         CHECK(zero[0] == zero[1]);
                       });
    }
}

TEST_CASE("elementwise_s8: every instruction set gives the oracle's codes") {
  SplitParallel split;
  constexpr size_t kRows = 5, kColumns = 37;
  struct Strides {
    size_t row, column;
  };
  for (const Strides b : {Strides{kColumns, 1}, Strides{0, 1}, Strides{1, 0}, Strides{0, 0}})
    for (const bool is_signed : {false, true}) {
      GuardedBytes x(kRows * kColumns);
      GuardedBytes y((kRows - 1) * b.row + (b.column == 1 ? kColumns : 1));
      GuardedBytes expected(kRows * kColumns), out(kRows * kColumns);
      x.randomize(1);
      y.randomize(2);
      ElementwiseS8Args args{.rows = kRows,
                             .columns = kColumns,
                             .a = {x.data(), false, 100, 0.31F, kColumns, 1},
                             .b = {y.data(), is_signed, 7, 0.77F, b.row, b.column},
                             .out = expected.data(),
                             .out_signed = is_signed,
                             .zero_point = is_signed ? -4 : 120,
                             .low = is_signed ? -128 : 3,
                             .high = is_signed ? 120 : 255};
      for (const auto function :
           {&ElementwiseS8Table::add, &ElementwiseS8Table::sub, &ElementwiseS8Table::mul}) {
        args.out = expected.data();
        (elementwise_s8_variants()[0].table->*function)(args, split);
        args.out = out.data();
        for_each_variant(elementwise_s8_variants(), select_elementwise_s8,
                         [&](const ElementwiseS8Table& table) {
                           out.fill(0xA5);
                           (table.*function)(args, split);
                           CHECK(first_difference(out, expected) == -1);
                         });
      }
    }
}

TEST_CASE("pool_s8: every instruction set gives the oracle's codes") {
  SplitParallel split;
  const PoolShape shapes[] = {
      {.channels = 16,
       .in_h = 8,
       .in_w = 8,
       .out_h = 4,
       .out_w = 4,
       .kernel_h = 2,
       .kernel_w = 2,
       .stride_h = 2,
       .stride_w = 2},
      {.batch = 2,
       .channels = 35,
       .in_h = 7,
       .in_w = 9,
       .out_h = 4,
       .out_w = 5,
       .kernel_h = 3,
       .kernel_w = 3,
       .stride_h = 2,
       .stride_w = 2,
       .pad_top = 1,
       .pad_left = 1,
       .pad_bottom = 1,
       .pad_right = 1},
      {.channels = 5,
       .in_h = 6,
       .in_w = 6,
       .out_h = 4,
       .out_w = 4,
       .kernel_h = 3,
       .kernel_w = 3,
       .stride_h = 2,
       .stride_w = 2,
       .dilation_h = 2,
       .dilation_w = 1,
       .pad_top = 2,
       .pad_left = 2,
       .pad_bottom = 1},
  };
  for (const PoolShape& s : shapes)
    for (const bool is_signed : {false, true})
      for (const bool include : {false, true}) {
        const size_t pixels = s.in_h * s.in_w;
        GuardedBytes in(s.batch * pixels * s.channels);
        const size_t count = s.batch * s.out_h * s.out_w * s.channels;
        GuardedBytes expected(count), out(count);
        in.randomize(8);
        const AverageS8 args{.in_signed = is_signed,
                             .out_signed = is_signed,
                             .in_zero_point = 10,
                             .out_zero_point = 11,
                             .multiplier = 0.9F,
                             .low = is_signed ? -128 : 0,
                             .high = is_signed ? 127 : 255,
                             .count_include_pad = include};
        auto check = [&](auto run) {
          expected.fill(0);
          run(*pool_s8_variants()[0].table, expected);
          for_each_variant(pool_s8_variants(), select_pool_s8, [&](const PoolS8Table& table) {
            out.fill(0);
            run(table, out);
            CHECK(first_difference(out, expected) == -1);
          });
        };
        check([&](const PoolS8Table& table, GuardedBytes& to) {
          table.max(s, in.data(), to.data(), is_signed, split);
        });
        check([&](const PoolS8Table& table, GuardedBytes& to) {
          table.average(s, in.data(), to.data(), args, split);
        });
        check([&](const PoolS8Table& table, GuardedBytes& to) {
          table.global_average(s.batch, pixels, s.channels, in.data(), to.data(), args, split);
        });
      }
}
