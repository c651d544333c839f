#include "kernels/pool_s8/pool_s8.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

using namespace octet;
using namespace octet::kernels;

namespace {

struct Case {
  const char* name;
  PoolShape shape;
};

const Case kCases[] = {
    {"2x2",
     {.batch = 2,
      .channels = 20,
      .in_h = 6,
      .in_w = 8,
      .out_h = 3,
      .out_w = 4,
      .kernel_h = 2,
      .kernel_w = 2,
      .stride_h = 2,
      .stride_w = 2}},
    {"3x3 padded",
     {.channels = 33,
      .in_h = 7,
      .in_w = 5,
      .out_h = 4,
      .out_w = 3,
      .kernel_h = 3,
      .kernel_w = 3,
      .stride_h = 2,
      .stride_w = 2,
      .pad_top = 1,
      .pad_left = 1,
      .pad_bottom = 1,
      .pad_right = 1}},
    {"3x3 padded, many channels",
     {.channels = 147,
      .in_h = 7,
      .in_w = 5,
      .out_h = 4,
      .out_w = 3,
      .kernel_h = 3,
      .kernel_w = 3,
      .stride_h = 2,
      .stride_w = 2,
      .pad_top = 1,
      .pad_left = 1,
      .pad_bottom = 1,
      .pad_right = 1}},
    {"past the end",
     {.channels = 3,
      .in_h = 5,
      .in_w = 5,
      .out_h = 3,
      .out_w = 3,
      .kernel_h = 3,
      .kernel_w = 2,
      .stride_h = 2,
      .stride_w = 2}},
    {"dilated",
     {.channels = 16,
      .in_h = 9,
      .in_w = 9,
      .out_h = 5,
      .out_w = 5,
      .kernel_h = 3,
      .kernel_w = 3,
      .dilation_h = 2,
      .dilation_w = 2}},
    {"windows without a pixel",
     {.channels = 5,
      .in_h = 1,
      .in_w = 1,
      .out_h = 4,
      .out_w = 4,
      .pad_top = 1,
      .pad_left = 1,
      .pad_bottom = 2,
      .pad_right = 2}},
};

template <typename Run>
void check(Run run) {
  const std::vector<uint8_t> expected = run(*pool_s8_variants().front().table);
  for (const Variant<PoolS8Table>& variant : pool_s8_variants()) {
    const auto token = CpuToken::probe(variant.isa);
    if (!token) continue;
    CAPTURE(isa_name(variant.isa));
    CHECK(select_pool_s8(*token).isa == variant.isa);
    CHECK((run(*variant.table) == expected));
  }
}

}  // namespace

TEST_CASE("pool_s8: every variant gives the oracle's codes") {
  std::mt19937 random(9);
  size_t most = 0;
  for (const auto& [name, s] : kCases)
    most = std::max(most, s.batch * s.in_h * s.in_w * s.channels);
  std::vector<uint8_t> in(most);
  for (uint8_t& v : in) v = static_cast<uint8_t>(random());
  SerialParallel serial;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const PoolShape& s = c.shape;
    const size_t count = s.batch * s.out_h * s.out_w * s.channels;
    for (const bool is_signed : {false, true}) {
      check([&](const PoolS8Table& table) {
        std::vector<uint8_t> out(count + 1, 0xaa);
        table.max(s, in.data(), out.data(), is_signed, serial);
        return out;
      });
      for (const bool include : {false, true})
        check([&](const PoolS8Table& table) {
          std::vector<uint8_t> out(count + 1, 0xaa);
          table.average(s, in.data(), out.data(),
                        {is_signed, !is_signed, 7, is_signed ? 100 : -4, 0.8F, is_signed ? 0 : -128,
                         is_signed ? 255 : 127, include},
                        serial);
          return out;
        });
    }
  }
}

TEST_CASE("pool_s8: global averages of many pixels") {
  std::vector<uint8_t> in(2 * 900 * 37, 255);
  for (size_t i = 0; i < in.size(); i += 3) in[i] = static_cast<uint8_t>(i);
  SerialParallel serial;
  check([&](const PoolS8Table& table) {
    std::vector<uint8_t> out(2 * 37 + 1, 0xaa);
    table.global_average(2, 900, 37, in.data(), out.data(),
                         {false, false, 3, 10, 0.9F, 0, 255, false}, serial);
    return out;
  });
}
