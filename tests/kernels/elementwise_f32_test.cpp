#include "kernels/elementwise_f32/elementwise_f32.h"

#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct UnaryCase {
  const char* name;
  UnaryF32 function;
  double (*reference)(double);
  // The error allowed at x, relative to the greater of 1 and the result.
  double tolerance = 0.0;
  float alpha = 0.0F;
  float beta = 0.0F;
};

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

const UnaryCase kUnary[] = {
    {"abs", UnaryF32::abs, [](double x) { return std::fabs(x); }},
    {"neg", UnaryF32::neg, [](double x) { return -x; }},
    {"floor", UnaryF32::floor, [](double x) { return std::floor(x); }},
    {"ceil", UnaryF32::ceil, [](double x) { return std::ceil(x); }},
    {"round", UnaryF32::round, [](double x) { return std::nearbyint(x); }},
    {"sqrt", UnaryF32::sqrt, [](double x) { return std::sqrt(x); }, 1e-7},
    {"rsqrt", UnaryF32::rsqrt, [](double x) { return 1.0 / std::sqrt(x); }, 2e-7},
    {"reciprocal", UnaryF32::reciprocal, [](double x) { return 1.0 / x; }, 1e-7},
    {"exp", UnaryF32::exp, [](double x) { return std::exp(x); }, 2e-7},
    {"log", UnaryF32::log, [](double x) { return std::log(x); }, 2e-7},
    {"relu", UnaryF32::relu, [](double x) { return x > 0.0 ? x : 0.0; }},
    {"clip", UnaryF32::clip, [](double x) { return std::clamp(x, -1.5, 2.5); }, 0.0, -1.5F, 2.5F},
    {"leaky relu", UnaryF32::leaky_relu, [](double x) { return x < 0.0 ? 0.25 * x : x; }, 0.0,
     0.25F},
    {"elu", UnaryF32::elu, [](double x) { return x < 0.0 ? 0.5 * std::expm1(x) : x; }, 2e-7, 0.5F},
    {"sigmoid", UnaryF32::sigmoid, sigmoid, 2e-7},
    {"tanh", UnaryF32::tanh, [](double x) { return std::tanh(x); }, 3e-7},
    {"erf", UnaryF32::erf, [](double x) { return std::erf(x); }, 4e-7},
    {"gelu erf", UnaryF32::gelu_erf,
     [](double x) { return 0.5 * x * (1.0 + std::erf(x * std::sqrt(0.5))); }, 1e-6},
    {"gelu tanh", UnaryF32::gelu_tanh,
     [](double x) {
       return 0.5 * x * (1.0 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
     },
     1e-6},
    {"silu", UnaryF32::silu, [](double x) { return x * sigmoid(x); }, 4e-7},
    {"hard sigmoid", UnaryF32::hard_sigmoid,
     [](double x) { return std::clamp(0.25 * x + 0.5, 0.0, 1.0); }, 1e-7, 0.25F, 0.5F},
    {"hard swish", UnaryF32::hard_swish,
     [](double x) { return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0); }, 2e-7},
    {"softplus", UnaryF32::softplus,
     [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }, 2e-7},
    {"softsign", UnaryF32::softsign, [](double x) { return x / (1.0 + std::fabs(x)); }, 1e-7},
    {"square", UnaryF32::square, [](double x) { return x * x; }, 1e-7},
    {"sign", UnaryF32::sign, [](double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0); }},
    {"affine", UnaryF32::affine, [](double x) { return 0.75 * x - 0.5; }, 1e-7, 0.75F, -0.5F},
    {"sin", UnaryF32::sin, [](double x) { return std::sin(x); }, 1e-7},
    {"cos", UnaryF32::cos, [](double x) { return std::cos(x); }, 1e-7},
};

std::vector<float> unary_inputs() {
  std::vector<float> x = awkward_floats();
  const std::vector<float> random = random_floats(1000, 1, -9.0F, 9.0F);
  x.insert(x.end(), random.begin(), random.end());
  return x;
}

struct BinaryCase {
  const char* name;
  std::vector<size_t> shape;
  std::vector<size_t> a;
  std::vector<size_t> b;
};

const BinaryCase kBinary[] = {
    {"same shape", {5, 37}, {5, 37}, {5, 37}},
    {"scalar left", {70}, {1}, {70}},
    {"scalar right", {3, 33}, {3, 33}, {1, 1}},
    {"two scalars", {1, 1}, {1, 1}, {1, 1}},
    {"broadcast scalars", {19}, {1}, {1}},
    {"row", {6, 19}, {6, 19}, {1, 19}},
    {"column", {6, 19}, {6, 19}, {6, 1}},
    {"outer product", {6, 19}, {6, 1}, {1, 19}},
    {"channels", {2, 3, 4, 5}, {2, 3, 4, 5}, {1, 3, 1, 1}},
    {"both sides", {2, 3, 4, 5}, {2, 1, 4, 1}, {1, 3, 1, 5}},
    {"short rows", {700, 3}, {700, 3}, {1, 3}},
    {"short columns", {50, 40, 2}, {50, 1, 2}, {1, 40, 1}},
    {"empty", {3, 0}, {3, 0}, {3, 1}},
};

size_t product(const std::vector<size_t>& shape) {
  size_t size = 1;
  for (const size_t d : shape) size *= d;
  return size;
}

void set_strides(const std::vector<size_t>& shape, ptrdiff_t* strides) {
  ptrdiff_t step = 1;
  for (size_t d = shape.size(); d-- > 0;) {
    strides[d] = shape[d] == 1 ? 0 : step;
    step *= static_cast<ptrdiff_t>(shape[d]);
  }
}

// The offset of element `index` of the output, by the strides.
ptrdiff_t offset(const BinaryF32Args& args, const ptrdiff_t* strides, size_t index) {
  ptrdiff_t at = 0;
  for (size_t d = args.rank; d-- > 0;) {
    at += static_cast<ptrdiff_t>(index % args.shape[d]) * strides[d];
    index /= args.shape[d];
  }
  return at;
}

float expected(BinaryF32 function, float a, float b) {
  switch (function) {
    case BinaryF32::add: return a + b;
    case BinaryF32::sub: return a - b;
    case BinaryF32::mul: return a * b;
    case BinaryF32::div: return a / b;
    case BinaryF32::max: return std::isnan(a) || std::isnan(b) ? NAN : (b > a ? b : a);
    case BinaryF32::min: return std::isnan(a) || std::isnan(b) ? NAN : (b < a ? b : a);
    case BinaryF32::pow: return std::pow(a, b);
    case BinaryF32::prelu: return a < 0.0F ? a * b : a;
  }
  return a;
}

constexpr BinaryF32 kBinaryFunctions[] = {BinaryF32::add, BinaryF32::sub,  BinaryF32::mul,
                                          BinaryF32::div, BinaryF32::max,  BinaryF32::min,
                                          BinaryF32::pow, BinaryF32::prelu};

void check_binary(const BinaryF32Args& given, size_t count) {
  for (const BinaryF32 function : kBinaryFunctions) {
    CAPTURE(static_cast<int>(function));
    Floats expect(count + 1);
    for (size_t i = 0; i < count; ++i)
      expect.data()[i] = expected(function, given.a[offset(given, given.a_stride, i)],
                                  given.b[offset(given, given.b_stride, i)]);
    for_each_row(elementwise_f32_variants(), select_elementwise_f32,
                 [&](const ElementwiseF32Variant& variant) {
                   SerialParallel serial;
                   SplitParallel split;
                   for (Parallel* parallel :
                        {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
                     Floats out(count + 1);
                     BinaryF32Args args = given;
                     args.function = function;
                     args.out = out.data();
                     binary_f32(*variant.table, args, *parallel);
                     CHECK(first_difference(out.data(), expect.data(), count + 1) == count + 1);
                   }
                 });
  }
}

}  // namespace

TEST_CASE("elementwise_f32: each unary function is near the true one and the same on every row") {
  const std::vector<float> x = unary_inputs();
  SerialParallel serial;
  for (const UnaryCase& c : kUnary) {
    CAPTURE(c.name);
    UnaryF32Args args{c.function, c.alpha, c.beta, x.data(), nullptr, x.size()};
    Floats oracle(x.size());
    args.y = oracle.data();
    unary_f32(*elementwise_f32_variants()[0].table, args, serial);
    for (size_t i = 0; i < x.size(); ++i) {
      const float y = oracle.data()[i];
      const double truth = c.reference(static_cast<double>(x[i]));
      CAPTURE(x[i]);
      // NaN alone isn't compared: sign(NaN) and clamp(NaN) are what the kernel's header says.
      if (std::isnan(x[i]) || std::isnan(truth) || std::fabs(x[i]) > 1e4F) continue;
      if (std::fabs(truth) > 3e38) continue;
      REQUIRE(std::fabs(static_cast<double>(y) - truth) <=
              1e-45 + c.tolerance * std::max(1.0, std::fabs(truth)));
    }
    for_each_row(elementwise_f32_variants(), select_elementwise_f32,
                 [&](const ElementwiseF32Variant& variant) {
                   for (const size_t count : {size_t{0}, size_t{1}, size_t{17}, x.size()}) {
                     Floats y(x.size() + 1, -3.0F);
                     UnaryF32Args part = args;
                     part.count = count;
                     part.y = y.data();
                     unary_f32(*variant.table, part, serial);
                     const size_t at = first_difference(y.data(), oracle.data(), count);
                     CAPTURE(at < count ? x[at] : 0.0F);
                     CHECK(at == count);
                     CHECK(y.data()[count] == -3.0F);
                   }
                 });
  }
}

TEST_CASE("elementwise_f32: broadcasts of two operands give the definition's bits") {
  for (const BinaryCase& c : kBinary) {
    CAPTURE(c.name);
    BinaryF32Args args;
    args.rank = c.shape.size();
    std::copy(c.shape.begin(), c.shape.end(), args.shape);
    set_strides(c.a, args.a_stride);
    set_strides(c.b, args.b_stride);
    const std::vector<float> a = random_floats(product(c.a) + 1, 1, 0.0F, 3.0F);
    const std::vector<float> b = random_floats(product(c.b) + 1, 2, -3.0F, 3.0F);
    args.a = a.data();
    args.b = b.data();
    check_binary(args, product(c.shape));
  }
}

TEST_CASE("elementwise_f32: transposed operands, awkward values and the power of two") {
  const std::vector<float> values = awkward_floats();
  const size_t n = values.size();
  BinaryF32Args args;
  args.rank = 2;
  args.shape[0] = args.shape[1] = n;
  args.a_stride[0] = 1;
  args.b_stride[1] = 1;
  args.a = args.b = values.data();
  check_binary(args, n * n);
  const std::vector<float> matrix = random_floats(12 * 17, 3);
  BinaryF32Args transposed;
  transposed.rank = 2;
  transposed.shape[0] = 17;
  transposed.shape[1] = 12;
  transposed.a_stride[0] = 1;
  transposed.a_stride[1] = 17;
  transposed.b_stride[0] = 12;
  transposed.b_stride[1] = 1;
  transposed.a = transposed.b = matrix.data();
  check_binary(transposed, 12 * 17);
  const float two = 2.0F;
  BinaryF32Args squares;
  squares.rank = 1;
  squares.shape[0] = n;
  squares.a_stride[0] = 1;
  squares.a = values.data();
  squares.b = &two;
  check_binary(squares, n);
}

TEST_CASE("elementwise_f32: codes of gated numbers within a sixteenth, the same on every row") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const CodeRounding& rounding :
       {CodeRounding{0.03F, 128, 0, 255}, CodeRounding{0.01F, -5, -128, 127},
        CodeRounding{0.02F, 0, 3, 40}})
    for (const size_t count : {1, 16, 37, 1000}) {
      CAPTURE(rounding.scale);
      CAPTURE(count);
      std::vector<float> a = random_floats(count, 1, -4.0F, 4.0F);
      std::vector<float> b = random_floats(count, 2, -9.0F, 9.0F);
      if (count > 30) {
        b[3] = -kInfinity;
        b[4] = kInfinity;
        b[5] = -1e30F;
        a[20] = std::nanf("0x1ff");
        b[30] = std::nanf("0x1ff");
      }
      const auto codes_by = [&](const ElementwiseF32Table& table) {
        std::vector<uint8_t> codes(count + 1, 77);
        table.gate_codes(a.data(), b.data(), codes.data(), count, rounding);
        return codes;
      };
      const std::vector<uint8_t> codes = codes_by(*elementwise_f32_variants()[0].table);
      for (size_t i = 0; i < count; ++i) {
        CAPTURE(i);
        if (std::isnan(a[i]) || std::isnan(b[i])) {
          CHECK(codes[i] == static_cast<uint8_t>(rounding.zero_point));
          continue;
        }
        const double steps = static_cast<double>(a[i]) * sigmoid(static_cast<double>(b[i])) /
                             static_cast<double>(rounding.scale);
        const double real =
            std::clamp<double>(steps + rounding.zero_point, rounding.low, rounding.high);
        const int code = rounding.low < 0 ? static_cast<int8_t>(codes[i]) : codes[i];
        CHECK(std::fabs(code - real) <= 0.5 + 1.0 / 16);
      }
      CHECK(codes[count] == 77);
      for_each_row(elementwise_f32_variants(), select_elementwise_f32,
                   [&](const ElementwiseF32Variant& variant) {
                     CHECK((codes_by(*variant.table) == codes));
                   });
    }
}
