#include "engine/ops/common/code_curve.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/common/activation.h"

namespace octet::ops {
namespace {

using kernels::CodeCurve;

constexpr int kChordArguments = 1 << CodeCurve::kChordBits;
// Steps of a chord's start and slope in a code.
constexpr double kSteps = 128.0;
// Points of a chord at which it is held against the activation.
constexpr int kSamples = 8, kSampleArguments = kChordArguments / kSamples;

// Codes less 128, of which a chord may pass the lowest and the highest by as much again.
constexpr double kLowest = -128.0, kHighest = 127.0, kBeyond = 100.0;

double held(double code) { return std::clamp(code, kLowest, kHighest); }

// What is to be rounded: the activation in codes less 128, which may lie a little beyond them.
class Target {
 public:
  Target(const Epilogue& epilogue, const QuantType& output)
      : epilogue_(epilogue),
        scale_(static_cast<double>(output.tensor_scale().v)),
        zero_(output.tensor_zero_point().v - (output.storage == DType::s8 ? 0 : 128)) {}
  double operator()(double x) const {
    return std::clamp(activate(epilogue_, x) / scale_ + zero_, kLowest - kBeyond,
                      kHighest + kBeyond);
  }

 private:
  const Epilogue& epilogue_;
  double scale_;
  int32_t zero_;
};

// The magnitude from which on the codes, on this side of 0, stay what they are far away.
double settled(const Target& target, double sign) {
  constexpr double kFar = 0x1p15, kNear = 0x1p-20, kStep = 0.96, kSame = 0.8 * kMostCurveError;
  const double far = held(target(sign * kFar));
  double x = kFar;
  while (x > kNear && std::fabs(held(target(sign * x * kStep)) - far) < kSame) x *= kStep;
  return x;
}

// The chord of the arguments from `first` on; nothing where it errs by too much.
std::optional<CodeCurve::Chord> fit(const Target& target, double low, double rate, int first) {
  double values[kSamples + 1];
  for (int i = 0; i <= kSamples; ++i)
    values[i] = target(low + (first + i * kSampleArguments) / rate);
  const double slope = values[kSamples] - values[0];
  double least = 0.0, most = 0.0;
  for (int i = 1; i < kSamples; ++i) {
    const double above = values[i] - (values[0] + slope * i / kSamples);
    least = std::min(least, above);
    most = std::max(most, above);
  }
  const double start = values[0] + (least + most) / 2;
  double error = 0.0, steepest = 0.0;
  for (int i = 0; i <= kSamples; ++i) {
    error = std::max(error, std::fabs(held(start + slope * i / kSamples) - held(values[i])));
    if (i > 0) steepest = std::max(steepest, std::fabs(values[i] - values[i - 1]));
  }
  // An argument is rounded too, and so are the chord's ends. A steep chord wouldn't fit its type.
  error += steepest / (2 * kSampleArguments) + 1.0 / kSteps;
  if (!(error <= kMostCurveError) || std::fabs(slope) > kBeyond) return std::nullopt;
  // 64 steps are the half that rounding down lacks.
  return CodeCurve::Chord{static_cast<int16_t>(std::lround(start * kSteps) + 64),
                          static_cast<int16_t>(std::lround(slope * kSteps))};
}

}  // namespace

std::optional<ActivationCurve> activation_curve(const Epilogue& epilogue, const QuantType& output) {
  const Target target(epilogue, output);
  const double low = -settled(target, -1.0), high = settled(target, 1.0);
  const double rate = (CodeCurve::kArguments - 1) / (high - low);
  ActivationCurve result;
  result.rate = static_cast<float>(rate);
  result.offset = static_cast<float>(-low * rate);
  for (int c = 0; c < CodeCurve::kChords; ++c) {
    const auto chord = fit(target, low, rate, c * kChordArguments);
    if (!chord) return std::nullopt;
    result.curve.chords[c] = *chord;
  }
  return result;
}

}  // namespace octet::ops
