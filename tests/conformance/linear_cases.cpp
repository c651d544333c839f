#include "tests/conformance/builder.h"
#include "tests/conformance/draw.h"
#include "tests/conformance/families.h"

// QuantizeLinear and DequantizeLinear: every type, per tensor, per axis, blocked.

namespace octet::conformance {
namespace {

constexpr DType kTypes[] = {DType::u8,       DType::s8,         DType::u16,    DType::s16,
                            DType::u4,       DType::s4,         DType::u2,     DType::s2,
                            DType::f8e4m3fn, DType::f8e4m3fnuz, DType::f8e5m2, DType::f8e5m2fnuz,
                            DType::f4e2m1};

bool is_small(DType type) {
  switch (type) {
    case DType::f8e4m3fn:
    case DType::f8e4m3fnuz:
    case DType::f8e5m2:
    case DType::f8e5m2fnuz:
    case DType::f4e2m1: return true;
    default: return false;
  }
}

// How scales lie over a tensor.
struct Layout {
  std::string name;
  Dims dims;
  int64_t axis = 0;
  int64_t block = 0;  ///< 0: one scale, or one an entry of the axis where `channels` is set.
  bool channels = false;

  int64_t inner() const {
    int64_t count = 1;
    for (size_t a = static_cast<size_t>(axis) + 1; a < dims.size(); ++a) count *= dims[a];
    return count;
  }
  int64_t blocks() const { return (dims[static_cast<size_t>(axis)] + block - 1) / block; }
  Dims scale_dims() const {
    if (block > 0) {
      Dims blocked = dims;
      blocked[static_cast<size_t>(axis)] = blocks();
      return blocked;
    }
    return channels ? Dims{dims[static_cast<size_t>(axis)]} : Dims{};
  }
  size_t scale_of(size_t i) const {
    if (!channels && block == 0) return 0;
    const auto extent = static_cast<size_t>(dims[static_cast<size_t>(axis)]);
    const auto run = static_cast<size_t>(inner());
    const size_t entry = i / run % extent;
    if (block == 0) return entry;
    const size_t outer = i / (run * extent);
    return (outer * static_cast<size_t>(blocks()) + entry / static_cast<size_t>(block)) * run +
           i % run;
  }
};

Layout draw_layout(Random& random, size_t index) {
  Layout layout;
  const size_t rank = index % 3 == 0 ? static_cast<size_t>(random.integer(0, 4))
                                     : static_cast<size_t>(random.integer(1, 4));
  for (size_t a = 0; a < rank; ++a) layout.dims.push_back(random.integer(1, 9));
  layout.name = "tensor";
  if (index % 3 == 0) return layout;
  layout.axis = random.integer(0, static_cast<int64_t>(rank) - 1);
  layout.name = "axis";
  layout.channels = true;
  if (index % 3 == 1) return layout;
  layout.block = random.integer(1, 5);
  layout.name = "block";
  // ONNX's block_size must be the only one that gives this many scales.
  auto& extent = layout.dims[static_cast<size_t>(layout.axis)];
  extent = layout.block * random.integer(1, 3) + (layout.block > 1 ? random.integer(0, 1) : 0);
  return layout;
}

struct Setup {
  DType type;
  Layout layout;
  std::vector<double> scale;
  std::vector<int64_t> zero;
  bool has_zero;
  AttrMap attrs;
};

Setup draw_setup(Random& random, size_t index, bool quantizing) {
  Setup s;
  s.type = kTypes[index % std::size(kTypes)];
  s.layout = draw_layout(random, index / std::size(kTypes));
  const size_t scales = count_of(s.layout.scale_dims());
  for (size_t i = 0; i < scales; ++i) s.scale.push_back(draw_scale(random));
  s.has_zero = quantizing ? random.chance() : random.chance();
  const Range range = is_small(s.type) ? Range{0, 0} : range_of(s.type);
  s.zero =
      s.has_zero ? random.integers(scales, range.low, range.high) : std::vector<int64_t>(scales, 0);
  const auto rank = static_cast<int64_t>(s.layout.dims.size());
  if (s.layout.channels) s.attrs["axis"] = random.chance() ? s.layout.axis : s.layout.axis - rank;
  if (s.layout.block > 0) s.attrs["block_size"] = s.layout.block;
  if (quantizing && !s.has_zero) s.attrs["output_dtype"] = static_cast<int64_t>(s.type);
  return s;
}

std::string zero_input(Builder& builder, const Setup& s) {
  if (!s.has_zero) return "";
  const Dims dims = s.layout.scale_dims();
  if (is_small(s.type))
    return builder.constant(small_codes(s.type, dims, std::vector<unsigned>(s.zero.size(), 0)));
  return builder.constant(codes(s.type, dims, s.zero));
}

std::string name_of(const char* family, size_t index, const Setup& s) {
  return case_name(family, index, std::string(dtype_name(s.type)) + "_" + s.layout.name);
}

Case quantize(size_t index) {
  Random random(1000 + index);
  const Setup s = draw_setup(random, index, true);
  Builder builder(name_of("quantize_linear", index, s), 25);
  const size_t count = count_of(s.layout.dims);
  const double reach =
      is_small(s.type) ? 30.0 : 1.2 * static_cast<double>(range_of(s.type).high) * 0.05;
  auto x = draw_floats(random, count, -reach, reach);
  // Exact middles between codes.
  for (size_t i = 0; i < count; i += 3) {
    const double scale = s.scale[s.layout.scale_of(i)];
    x[i] = as_float((std::floor(x[i] / scale) + 0.5) * scale);
  }
  const std::string in = builder.input(reals(DType::f32, s.layout.dims, x));
  const std::string scale = builder.constant(reals(DType::f32, s.layout.scale_dims(), s.scale));
  const std::string y =
      builder.node("QuantizeLinear", {in, scale, zero_input(builder, s)}, s.attrs);
  std::vector<int64_t> integers;
  std::vector<unsigned> small;
  for (size_t i = 0; i < count; ++i) {
    const size_t at = s.layout.scale_of(i);
    // The division is one of floats.
    const float divided = static_cast<float>(x[i]) / static_cast<float>(s.scale[at]);
    if (is_small(s.type))
      small.push_back(small_code(s.type, static_cast<double>(divided)));
    else
      integers.push_back(std::clamp(round_even(static_cast<double>(divided)) + s.zero[at],
                                    range_of(s.type).low, range_of(s.type).high));
  }
  Expected expected;
  expected.value = is_small(s.type) ? small_codes(s.type, s.layout.dims, small)
                                    : codes(s.type, s.layout.dims, integers);
  builder.output(y, std::move(expected));
  return builder.finish();
}

Case dequantize(size_t index) {
  Random random(5000 + index);
  const Setup s = draw_setup(random, index, false);
  Builder builder(name_of("dequantize_linear", index, s), 25);
  const size_t count = count_of(s.layout.dims);
  Tensor stored;
  std::vector<double> values;
  if (is_small(s.type)) {
    std::vector<unsigned> small;
    for (size_t i = 0; i < count; ++i) {
      small.push_back(small_code(s.type, random.real(-8, 8)));
      values.push_back(small_value(s.type, small.back()));
    }
    stored = small_codes(s.type, s.layout.dims, small);
  } else {
    const auto integers = draw_codes(random, s.type, count);
    for (size_t i = 0; i < count; ++i)
      values.push_back(static_cast<double>(integers[i] - s.zero[s.layout.scale_of(i)]));
    stored = codes(s.type, s.layout.dims, integers);
  }
  // A difference of codes times a float: exact in double, rounded once.
  for (size_t i = 0; i < count; ++i) values[i] *= s.scale[s.layout.scale_of(i)];
  const std::string in = random.chance() ? builder.input(stored) : builder.constant(stored);
  const std::string scale = builder.constant(reals(DType::f32, s.layout.scale_dims(), s.scale));
  builder.output(builder.node("DequantizeLinear", {in, scale, zero_input(builder, s)}, s.attrs),
                 {reals(DType::f32, s.layout.dims, values)});
  return builder.finish();
}

}  // namespace

const Family kQuantizeLinear = {"quantize_linear", 468, quantize};
const Family kDequantizeLinear = {"dequantize_linear", 468, dequantize};

}  // namespace octet::conformance
