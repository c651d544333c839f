#include "engine/passes/fake_quant_grid.h"

#include <algorithm>
#include <cmath>

namespace octet::passes {
namespace {

constexpr double kTolerance = 1e-3;  // Of a step.
constexpr double kMostSteps = 255.0;

// value = (code - zero) * scale + offset, code in [0, last].
struct Line {
  double scale = 1.0;
  double lowest = 0.0;
  int last = 0;
  int zero = 0;
  double offset = 0.0;

  int code(float value) const {
    return static_cast<int>(std::nearbyint((static_cast<double>(value) - lowest) / scale));
  }
  bool holds(float value) const {
    const double off = static_cast<double>(value) - lowest - code(value) * scale;
    return std::fabs(off) <= kTolerance * scale;
  }
};

// Euclid's algorithm on numbers that aren't exact.
double common_divisor(double a, double b, double tolerance) {
  while (b > tolerance) {
    const double rest = std::fabs(a - b * std::nearbyint(a / b));
    a = b;
    b = rest;
  }
  return a;
}

// The widest spacing of which all differences are multiples; nothing below `least`.
std::optional<double> spacing(std::vector<float> values, double least) {
  std::sort(values.begin(), values.end());
  double step = 0.0;
  for (size_t i = 1; i < values.size(); ++i) {
    const double gap = static_cast<double>(values[i]) - static_cast<double>(values[i - 1]);
    if (gap <= 0.05 * least) continue;
    step =
        step == 0.0 ? gap : common_divisor(std::max(step, gap), std::min(step, gap), 0.05 * least);
    if (step < least) return std::nullopt;
  }
  return step;
}

std::optional<Line> line_of(const std::vector<float>& values) {
  if (values.empty()) return std::nullopt;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (!std::isfinite(*least) || !std::isfinite(*most)) return std::nullopt;
  const double range = static_cast<double>(*most) - static_cast<double>(*least);
  Line line;
  line.lowest = static_cast<double>(*least);
  if (range == 0.0) {
    if (*least != 0.0F) line.scale = std::fabs(line.lowest);
  } else {
    const auto step = spacing(values, 0.99 * range / kMostSteps);
    if (!step) return std::nullopt;
    line.last = static_cast<int>(std::nearbyint(range / *step));
    line.scale = range / line.last;
  }
  if (!std::all_of(values.begin(), values.end(), [&](float v) { return line.holds(v); }))
    return std::nullopt;
  const double zero = -line.lowest / line.scale;
  if (!(std::fabs(zero) < 1e4)) return std::nullopt;
  line.zero = static_cast<int>(std::floor(zero + 0.5));
  const double between = line.zero - zero;
  if (std::fabs(between) > kTolerance) line.offset = between * line.scale;
  return line;
}

// A storage type that holds the codes of all lines; signed ones less the zero point.
struct Storage {
  DType type;
  int lowest;
  int highest;
  bool is_signed;
};
constexpr Storage kStorages[] = {{DType::s4, -8, 7, true},
                                 {DType::u4, 0, 15, false},
                                 {DType::s8, -128, 127, true},
                                 {DType::u8, 0, 255, false}};

// The zero point that a line has in unsigned codes, whose lowest is 0 at the least.
int unsigned_zero(const Line& line) { return std::max(line.zero, 0); }

bool fits(const Storage& storage, const Line& line) {
  if (storage.is_signed)
    return -line.zero >= storage.lowest && line.last - line.zero <= storage.highest;
  const int zero = unsigned_zero(line);
  return zero <= storage.highest && line.last - line.zero + zero <= storage.highest;
}

// Elements grouped by output.
struct Outputs {
  size_t count;
  size_t inner = 1;
  size_t of(size_t i) const { return i / inner % count; }
};

std::optional<WeightGrid> grid_of(const Tensor& weights, const Outputs& outputs,
                                  const std::vector<Line>& lines) {
  const auto* storage =
      std::find_if(std::begin(kStorages), std::end(kStorages), [&](const auto& s) {
        return std::all_of(lines.begin(), lines.end(), [&](const Line& l) { return fits(s, l); });
      });
  if (storage == std::end(kStorages)) return std::nullopt;
  const bool single = lines.size() == 1;
  const Dims dims = single ? Dims{} : Dims{static_cast<int64_t>(lines.size())};
  auto codes = Tensor::zeros(storage->type, weights.dims());
  auto zeros = Tensor::zeros(storage->type, dims);
  if (!codes || !zeros) return std::nullopt;
  WeightGrid grid;
  std::vector<float> scales;
  bool between = false;
  for (size_t l = 0; l < lines.size(); ++l) {
    scales.push_back(static_cast<float>(lines[l].scale));
    grid.offsets.push_back(static_cast<float>(lines[l].offset));
    between = between || lines[l].offset != 0.0;
    if (!storage->is_signed) put_code(*zeros, l, unsigned_zero(lines[l]));
  }
  if (!between) grid.offsets.clear();
  const auto values = weights.as<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    const Line& line = lines[single ? 0 : outputs.of(i)];
    put_code(*codes, i,
             line.code(values[i]) - line.zero + (storage->is_signed ? 0 : unsigned_zero(line)));
  }
  grid.codes = std::move(*codes);
  grid.scale = Tensor::of(dims, scales);
  if (!storage->is_signed) grid.zero_point = std::move(*zeros);
  return grid;
}

}  // namespace

void put_code(Tensor& tensor, size_t i, int64_t code) {
  const auto bits = static_cast<uint8_t>(code);
  if (dtype_bits(tensor.dtype()) == 4)
    tensor.writable()[i / 2] |= static_cast<std::byte>((bits & 0xFU) << (i % 2 * 4));
  else
    tensor.writable()[i] = static_cast<std::byte>(bits);
}

std::optional<WeightGrid> find_grid(const Tensor& weights, size_t axis) {
  Outputs outputs{static_cast<size_t>(weights.dims()[axis])};
  for (size_t a = axis + 1; a < weights.rank(); ++a)
    outputs.inner *= static_cast<size_t>(weights.dims()[a]);
  const auto values = weights.as<float>();
  if (values.empty()) return std::nullopt;
  if (const auto line = line_of({values.begin(), values.end()}))
    return grid_of(weights, outputs, {*line});
  std::vector<Line> lines;
  std::vector<float> own;
  for (size_t o = 0; o < outputs.count; ++o) {
    own.clear();
    for (size_t at = o * outputs.inner; at < values.size(); at += outputs.count * outputs.inner)
      own.insert(own.end(), values.begin() + static_cast<ptrdiff_t>(at),
                 values.begin() + static_cast<ptrdiff_t>(at + outputs.inner));
    const auto line = line_of(own);
    if (!line) return std::nullopt;
    lines.push_back(*line);
  }
  return grid_of(weights, outputs, lines);
}

}  // namespace octet::passes
