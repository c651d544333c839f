#pragma once

#include "kernels/conv_types.h"
#include "tests/support/code_kernels.h"
#include "tests/support/float_kernels.h"

namespace octet::test {

/// One convolution against the oracle.
struct ConvCase {
  const char* name;
  kernels::ConvShape shape;
  bool in_signed = false;
  int32_t in_zero_point = 0;
  bool weights_signed = true;
  bool weight_zero_points = false;
  kernels::Element out = kernels::Element::u8;
  bool bias = true, residual = false, table = false;
  bool real_bias = false;
  bool swish = false;
  size_t in_pad = 0, out_pad = 0;  // elements between pixels past the channels
  bool worst = false;              // every code at the end of its range
  float multiplier = 1e-3F;        // the largest one
  bool whole = false;              // u8 codes from a zero point of 0 on, all of them
};

/// The tensors of a case, every one ending at a page without access.
class ConvData {
 public:
  ConvData(const ConvCase& c, size_t weight_count)
      : case_(c),
        in(c.shape.batch * c.shape.in_h * c.shape.in_w * (c.shape.in_channels + c.in_pad) -
           c.in_pad),
        weights(weight_count),
        residual(pixels() * c.shape.out_channels),
        multiplier(c.shape.out_channels * 4),
        bias(c.shape.out_channels * 4),
        zeros_(c.shape.out_channels),
        real_bias_(c.shape.out_channels) {
    in.randomize(1);
    weights.randomize(2);
    residual.randomize(3);
    table_.resize(256);
    for (size_t i = 0; i < 256; ++i) table_[i] = static_cast<uint8_t>(i * 7 + 3);
    if (c.worst) {
      in.fill(c.in_signed ? 0x80 : 0xFF);
      weights.fill(c.weights_signed ? 0x80 : 0xFF);
    }
    for (size_t i = 0; i < c.shape.out_channels; ++i) {
      const float m = c.multiplier / static_cast<float>(1 + i % 7);
      std::memcpy(multiplier.data() + i * 4, &m, 4);
      const int32_t b = static_cast<int32_t>(i * 977 % 4001) - 2000;
      std::memcpy(bias.data() + i * 4, &b, 4);
      real_bias_[i] = static_cast<float>(i % 13) * 0.37F - 2.0F;
      zeros_[i] = static_cast<int32_t>(i * 37 % 100) + (c.weights_signed ? -50 : 80);
    }
  }

  size_t pixels() const { return case_.shape.batch * case_.shape.out_h * case_.shape.out_w; }
  size_t out_bytes() const {
    const size_t element =
        case_.out == kernels::Element::u8 || case_.out == kernels::Element::s8 ? 1 : 4;
    return (pixels() * (case_.shape.out_channels + case_.out_pad) - case_.out_pad) * element;
  }
  kernels::ConvWeights conv_weights() const {
    return {weights.data(), case_.weights_signed,
            case_.weight_zero_points ? zeros_.data() : nullptr};
  }
  kernels::ConvIo io(GuardedBytes& out) const {
    return {in.data(),           case_.in_signed,
            case_.in_zero_point, case_.in_pad == 0 ? 0 : case_.shape.in_channels + case_.in_pad,
            out.data(),          case_.out_pad == 0 ? 0 : case_.shape.out_channels + case_.out_pad};
  }
  kernels::ConvEpilogue epilogue() const {
    kernels::ConvEpilogue e;
    const bool is_signed = case_.out == kernels::Element::s8;
    e.out = case_.out;
    e.bias = case_.bias ? reinterpret_cast<const int32_t*>(bias.data()) : nullptr;
    e.multiplier = reinterpret_cast<const float*>(multiplier.data());
    if (case_.real_bias) e.bias_f32 = real_bias_.data();
    e.zero_point = is_signed ? -3 : 117;
    e.low = is_signed ? -120.0F : 4.0F;
    e.high = is_signed ? 127.0F : 250.0F;
    if (case_.whole) {
      e.zero_point = 0;
      e.low = 0.0F;
      e.high = 255.0F;
    }
    e.table = case_.table ? table_.data() : nullptr;
    e.residual = case_.residual ? residual.data() : nullptr;
    e.residual_signed = is_signed;
    e.residual_zero_point = is_signed ? 5 : 130;
    e.residual_multiplier = 0.37F;
    e.swish_slope = case_.swish ? 0.013F : 0.0F;
    return e;
  }

 private:
  const ConvCase& case_;

 public:
  GuardedBytes in, weights, residual, multiplier, bias;

 private:
  std::vector<int32_t> zeros_;
  std::vector<float> real_bias_;
  std::vector<uint8_t> table_;
};

/// Runs a case on one row of a convolution family's table.
template <typename Table>
void run_conv(const Table& table, const ConvCase& c, const ConvData& data, Parallel& parallel,
              GuardedBytes& out) {
  AlignedBytes packed(table.packed_bytes(c.shape));
  table.pack(c.shape, data.conv_weights(), packed.data());
  AlignedBytes scratch(table.scratch_bytes(c.shape, parallel.width()));
  out.fill(0xA5);
  table.run(c.shape, packed.data(), data.io(out), data.epilogue(), scratch.data(), parallel);
}

/// Every row of a family against its scalar row, serial and split.
template <typename Rows, typename Select>
void check_conv(const ConvCase& c, size_t weight_count, const Rows& rows, Select select) {
  CAPTURE(std::string(c.name));
  const ConvData data(c, weight_count);
  SerialParallel serial;
  SplitParallel split;
  GuardedBytes expected(data.out_bytes());
  run_conv(*rows[0].table, c, data, serial, expected);
  for_each_variant(rows, select, [&](const auto& table) {
    GuardedBytes out(data.out_bytes());
    run_conv(table, c, data, serial, out);
    CHECK(first_difference(out, expected) == -1);
    run_conv(table, c, data, split, out);
    CHECK(first_difference(out, expected) == -1);
  });
}

}  // namespace octet::test
