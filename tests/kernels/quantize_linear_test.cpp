#include "kernels/quantize_linear/quantize_linear.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <random>
#include <tuple>
#include <vector>

using namespace octet;
using namespace octet::kernels;

namespace {

struct Case {
  const char* name;
  size_t outer, channels, inner;
  Element type;
  int32_t low, high;
  bool zero_points = true;
};

const Case kCases[] = {
    {"one", 1, 1, 1, Element::u8, 0, 255},
    {"nothing", 1, 1, 0, Element::u8, 0, 255},
    {"per tensor", 1, 1, 1003, Element::u8, 0, 255},
    {"per tensor s8", 1, 1, 77, Element::s8, -128, 127, false},
    {"per row", 3, 5, 37, Element::s8, -128, 127},
    {"per column", 9, 45, 1, Element::u8, 0, 255},
    {"few columns", 50, 3, 1, Element::s8, -127, 127},
    {"s4 unpacked", 2, 4, 33, Element::s8, -8, 7},
    {"u16", 2, 3, 50, Element::u16, 0, 65535},
    {"s16 columns", 7, 19, 1, Element::s16, -32768, 32767},
};

// Cuts in the middle of rows and vectors.
class OddParallel final : public Parallel {
 public:
  size_t width() const override { return 2; }
  void for_ranges(size_t count, size_t /*grain*/, FunctionRef<void(size_t, size_t)> body) override {
    for (size_t begin = 0; begin < count; begin += 29)
      body(begin, count - begin < 29 ? count : begin + 29);
  }
};

// Halves of steps, so that ties are met, and all that is special.
std::vector<float> values(size_t count) {
  std::mt19937 random(5);
  std::vector<float> v(count);
  for (float& x : v)
    x = static_cast<float>(std::uniform_int_distribution<int>(-700, 700)(random)) * 0.125F;
  const float special[] = {NAN, INFINITY, -INFINITY, -0.0F, 1e30F, -1e30F, 1e-40F};
  for (size_t i = 0; i < count; i += 11) v[i] = special[i / 11 % 7];
  return v;
}

std::vector<float> scales(size_t channels) {
  std::vector<float> s(channels);
  for (size_t c = 0; c < channels; ++c) s[c] = 0.25F * static_cast<float>(c % 4 + 1);
  return s;
}

std::vector<int32_t> zero_points(const Case& c) {
  std::vector<int32_t> z(c.channels);
  for (size_t i = 0; i < c.channels; ++i)
    z[i] = c.low + static_cast<int32_t>(i * 37) % (c.high - c.low + 1);
  return z;
}

template <typename F>
void each_variant(F f) {
  for (const Variant<QuantizeLinearTable>& variant : quantize_linear_variants()) {
    const auto token = CpuToken::probe(variant.isa);
    if (!token) continue;
    CAPTURE(isa_name(variant.isa));
    CHECK(select_quantize_linear(*token).isa == variant.isa);
    f(*variant.table);
  }
}

bool same(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

}  // namespace

TEST_CASE("quantize_linear: every variant quantizes and gives back as the oracle does") {
  const QuantizeLinearTable& oracle = *quantize_linear_variants().front().table;
  SerialParallel serial;
  OddParallel odd;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const size_t count = c.outer * c.channels * c.inner;
    const std::vector<float> in = values(count), scale = scales(c.channels);
    const std::vector<int32_t> zero = zero_points(c);
    const auto quantized = [&](const QuantizeLinearTable& table, Parallel& parallel) {
      std::vector<uint16_t> out(count + 1, 0xaaaa);
      table.quantize({in.data(), out.data(), c.type, c.outer, c.channels, c.inner, scale.data(),
                      c.zero_points ? zero.data() : nullptr, c.low, c.high},
                     parallel);
      return out;
    };
    const std::vector<uint16_t> codes = quantized(oracle, serial);
    const auto restored = [&](const QuantizeLinearTable& table, Parallel& parallel) {
      std::vector<float> out(count + 1, 7.0F);
      table.dequantize({codes.data(), c.type, out.data(), c.outer, c.channels, c.inner,
                        scale.data(), c.zero_points ? zero.data() : nullptr},
                       parallel);
      return out;
    };
    each_variant([&](const QuantizeLinearTable& table) {
      CHECK((quantized(table, serial) == codes));
      CHECK((quantized(table, odd) == codes));
      CHECK((restored(table, serial) == restored(oracle, serial)));
      CHECK((restored(table, odd) == restored(oracle, serial)));
    });
  }
}

TEST_CASE("quantize_linear: quotients at and beside every tie are those of a division") {
  std::mt19937 random(8);
  SerialParallel serial;
  for (int round = 0; round < 400; ++round) {
    // Scales over many binades, their mantissas all ones and all zeros among them.
    const auto bits = static_cast<uint32_t>(random()) & 0x007fffffU;
    const uint32_t mantissa = round % 10 == 0 ? 0x007fffffU : (round % 10 == 1 ? 0 : bits);
    const int exponent =
        round < 300 ? 127 - static_cast<int>(random() % 24) : static_cast<int>(random() % 255);
    const float scale =
        std::bit_cast<float>((static_cast<uint32_t>(exponent) << 23) | std::max(mantissa, 1U));
    std::vector<float> in;
    for (int k = -300; k < 300; ++k) {
      const float tie = (static_cast<float>(k) + 0.5F) * scale;
      for (const float x : {tie, std::nextafter(tie, INFINITY), std::nextafter(tie, -INFINITY)})
        in.push_back(x);
    }
    const int32_t zero = 100;
    const auto run = [&](const QuantizeLinearTable& table) {
      std::vector<uint16_t> out(in.size());
      table.quantize({in.data(), out.data(), Element::u16, 1, 1, in.size(), &scale, &zero, 0, 400},
                     serial);
      return out;
    };
    const std::vector<uint16_t> expected = run(*quantize_linear_variants().front().table);
    each_variant([&](const QuantizeLinearTable& table) { CHECK((run(table) == expected)); });
  }
}

TEST_CASE("quantize_linear: requantization between all types") {
  const QuantizeLinearTable& oracle = *quantize_linear_variants().front().table;
  SerialParallel serial;
  std::vector<int32_t> in(211);
  std::mt19937 random(6);
  for (int32_t& v : in) v = static_cast<int32_t>(random()) >> 12;
  for (const Element from : {Element::u8, Element::s8, Element::u16, Element::s16, Element::s32})
    for (const Element to : {Element::u8, Element::s8, Element::u16, Element::s16}) {
      const bool is_signed = to == Element::s8 || to == Element::s16;
      const int32_t limit = to == Element::u8 || to == Element::s8 ? 256 : 65536;
      const auto run = [&](const QuantizeLinearTable& table) {
        std::vector<uint16_t> out(in.size() + 1, 0xaaaa);
        table.requantize({in.data(), from, 3, out.data(), to, 5, 0.37F, is_signed ? -limit / 2 : 0,
                          is_signed ? limit / 2 - 1 : limit - 1, in.size()},
                         serial);
        return out;
      };
      each_variant([&](const QuantizeLinearTable& table) { CHECK((run(table) == run(oracle))); });
    }
}

TEST_CASE("quantize_linear: runs of codes from anywhere, as numbers and as other codes") {
  const QuantizeLinearTable& oracle = *quantize_linear_variants().front().table;
  struct Run {
    const char* name;
    Element type;
    bool nibbles;
    size_t first, count, group;
    Element to = Element::u8;
  };
  const Run runs[] = {
      {"a row of s8", Element::s8, false, 64, 64, 64},
      {"a tail", Element::u8, false, 3, 37, 37},
      {"a scale each", Element::s8, false, 5, 39, 1, Element::s8},
      {"blocks, the last one short", Element::s8, true, 128, 77, 32},
      {"4-bit codes from an odd place", Element::s8, true, 31, 66, 64},
      {"4-bit, unsigned, odd, a scale each", Element::u8, true, 7, 33, 1, Element::s16},
      {"one code", Element::u8, true, 9, 1, 1},
      {"16 bits", Element::s16, false, 1, 40, 8, Element::u16},
      {"nothing", Element::s8, false, 0, 0, 1},
  };
  std::mt19937 random(12);
  std::vector<uint8_t> memory(512);
  for (uint8_t& byte : memory) byte = static_cast<uint8_t>(random());
  const std::vector<float> scale = scales(80);
  std::vector<int32_t> zero(80);
  for (size_t i = 0; i < zero.size(); ++i) zero[i] = static_cast<int32_t>(i % 7) - 3;
  for (const Run& r : runs) {
    CAPTURE(r.name);
    CodeRunArgs args;
    args.in = memory.data();
    args.type = r.type;
    args.nibbles = r.nibbles;
    args.first = r.first;
    args.count = r.count;
    args.group = r.group;
    args.scale = scale.data();
    for (const bool has_zero : {false, true}) {
      args.zero_point = has_zero ? zero.data() : nullptr;
      const auto real = [&](const QuantizeLinearTable& table) {
        std::vector<float> out(r.count + 1, 7.0F);
        CodeRunArgs a = args;
        a.out = out.data();
        table.code_run(a);
        return out;
      };
      const auto rounded = [&](const QuantizeLinearTable& table, float to_scale) {
        std::vector<uint16_t> out(r.count + 1, 0xaaaa);
        const bool is_signed = r.to == Element::s8 || r.to == Element::s16;
        const int32_t to_zero = 4;
        const QuantizeArgs to{.out = out.data(),
                              .type = r.to,
                              .scale = &to_scale,
                              .zero_point = &to_zero,
                              .low = is_signed ? -128 : 0,
                              .high = is_signed ? 127 : 255};
        CodeRunArgs a = args;
        a.codes = &to;
        table.code_run(a);
        return out;
      };
      const std::vector<float> numbers = real(oracle);
      for (size_t i = 0; i < r.count; ++i) {
        const size_t at = r.first + i;
        int32_t code = r.nibbles ? memory[at / 2] >> (at % 2 * 4) & 15 : memory[at];
        if (r.type == Element::s16)
          code = static_cast<int16_t>(memory[2 * at] | memory[2 * at + 1] << 8);
        else if (r.type == Element::s8)
          code = r.nibbles ? (code > 7 ? code - 16 : code) : static_cast<int8_t>(code);
        const int32_t centred = code - (has_zero ? zero[i / r.group] : 0);
        CHECK(numbers[i] == static_cast<float>(centred) * scale[i / r.group]);
      }
      each_variant([&](const QuantizeLinearTable& table) {
        CHECK((real(table) == numbers));
        for (const float to_scale : {0.75F, 1e-30F})
          CHECK((rounded(table, to_scale) == rounded(oracle, to_scale)));
      });
    }
  }
}

TEST_CASE("quantize_linear: dynamic ranges, whole and by rows") {
  const QuantizeLinearTable& oracle = *quantize_linear_variants().front().table;
  SerialParallel serial;
  std::vector<std::vector<float>> tensors = {{}, {NAN}, {-0.0F, 0.0F}, {3.0F}, {-2.0F, -1.0F}};
  tensors.push_back(std::vector<float>(40, 0.0F));
  tensors.push_back(values(333));
  tensors.push_back({});
  for (int i = 0; i < 100; ++i) tensors.back().push_back(std::sin(static_cast<float>(i)) * 3.0F);
  for (const std::vector<float>& x : tensors) {
    CAPTURE(x.size());
    struct Result {
      FloatRange range;
      std::vector<uint8_t> codes;
      float scale = 0;
      uint8_t zero_point = 0;
    };
    const auto run = [&](const QuantizeLinearTable& table) {
      Result r;
      r.codes.assign(x.size() + 1, 0xaa);
      r.range = table.range(x.data(), x.size(), serial);
      table.dynamic(x.data(), x.size(), r.codes.data(), &r.scale, &r.zero_point, serial);
      return r;
    };
    const Result expected = run(oracle);
    each_variant([&](const QuantizeLinearTable& table) {
      const Result r = run(table);
      CHECK(same(r.range.min, expected.range.min));
      CHECK(same(r.range.max, expected.range.max));
      CHECK(same(r.scale, expected.scale));
      CHECK(r.zero_point == expected.zero_point);
      CHECK((r.codes == expected.codes));
    });
  }
  const std::vector<float>& x = tensors.back();
  for (const bool is_signed : {false, true}) {
    const auto run = [&](const QuantizeLinearTable& table) {
      std::vector<uint8_t> codes(100, 0xaa);
      std::vector<float> scale(4);
      std::vector<int32_t> zero(4);
      table.dynamic_rows(
          {x.data(), 4, 21, 24, codes.data(), 25, is_signed, scale.data(), zero.data()}, serial);
      return std::tuple(codes, scale, zero);
    };
    each_variant([&](const QuantizeLinearTable& table) { CHECK((run(table) == run(oracle))); });
  }
}
