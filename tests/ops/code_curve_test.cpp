#include "engine/ops/common/code_curve.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace octet;
using namespace octet::ops;
using kernels::CodeCurve;

namespace {

struct Case {
  const char* name;
  Activation activation;
  float low, high;  // what the codes reach
  bool fits;
};

const Case kCases[] = {
    {.name = "silu", .activation = Activation::silu, .low = -0.28F, .high = 6.0F, .fits = true},
    {.name = "silu, wide", .activation = Activation::silu, .low = -1.0F, .high = 40, .fits = true},
    {.name = "silu, cut below", .activation = Activation::silu, .low = 0, .high = 9, .fits = true},
    {.name = "gelu", .activation = Activation::gelu, .low = -0.17F, .high = 3.0F, .fits = true},
    {.name = "gelu by tanh",
     .activation = Activation::gelu_tanh,
     .low = -0.17F,
     .high = 5.0F,
     .fits = true},
    {.name = "sigmoid", .activation = Activation::sigmoid, .low = 0.0F, .high = 1.0F, .fits = true},
    {.name = "tanh", .activation = Activation::tanh, .low = -1.0F, .high = 1.0F, .fits = true},
    {.name = "narrow", .activation = Activation::silu, .low = -0.28F, .high = 0.1F, .fits = false},
    {.name = "kinks", .activation = Activation::hard_swish, .low = -0.4F, .high = 6, .fits = false},
};

QuantType quant_of(const Case& c, bool is_signed) {
  const float scale = (c.high - c.low) / 255.0F;
  const auto zero = static_cast<int32_t>(std::lround(-c.low / scale));
  QuantType quant;
  quant.storage = is_signed ? DType::s8 : DType::u8;
  quant.scale = Tensor::scalar(scale);
  quant.zero_point = is_signed ? Tensor::scalar(static_cast<int8_t>(zero - 128))
                               : Tensor::scalar(static_cast<uint8_t>(zero));
  return quant;
}

double exact(Activation activation, double x) {
  switch (activation) {
    case Activation::silu: return x / (1.0 + std::exp(-x));
    case Activation::gelu: return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::sigmoid: return 1.0 / (1.0 + std::exp(-x));
    default: return std::tanh(x);
  }
}

// The largest distance of the code at x from what is rounded to it.
double largest_error(const Case& c, const ActivationCurve& given, const QuantType& quant) {
  const bool is_signed = quant.storage == DType::s8;
  const double low = is_signed ? -128.0 : 0.0;
  double largest = 0.0;
  // Past both ends of the arguments too, where the first and the last code hold.
  for (int32_t i = -CodeCurve::kArguments; i < 2 * CodeCurve::kArguments; ++i) {
    const double x = (static_cast<double>(i) - static_cast<double>(given.offset)) /
                     static_cast<double>(given.rate);
    const uint8_t byte = given.curve.at(std::clamp(i, 0, CodeCurve::kArguments - 1), is_signed);
    const double code = is_signed ? static_cast<int8_t>(byte) : byte;
    const double real = exact(c.activation, x) / static_cast<double>(quant.tensor_scale().v) +
                        quant.tensor_zero_point().v;
    largest = std::max(largest, std::abs(std::clamp(real, low, low + 255.0) - code));
  }
  return largest;
}

}  // namespace

TEST_CASE("code curves: codes lie within the promised error of the activation, or there is none") {
  for (const Case& c : kCases)
    for (const bool is_signed : {false, true}) {
      CAPTURE(c.name);
      CAPTURE(is_signed);
      Epilogue epilogue;
      epilogue.activation = c.activation;
      const QuantType quant = quant_of(c, is_signed);
      const auto curve = activation_curve(epilogue, quant);
      REQUIRE(curve.has_value() == c.fits);
      if (curve) CHECK(largest_error(c, *curve, quant) <= 0.5 + kMostCurveError);
    }
}

TEST_CASE("code curves: chords keep within their type") {
  for (const Case& c : kCases) {
    Epilogue epilogue;
    epilogue.activation = c.activation;
    const auto curve = activation_curve(epilogue, quant_of(c, false));
    if (!curve) continue;
    for (const CodeCurve::Chord& chord : curve->curve.chords) {
      CHECK(chord.start + chord.slope <= 32767);
      CHECK(chord.start + chord.slope >= -32768);
    }
  }
}
