#include "engine/ops/common/dequantize.h"
#include "engine/ops/dynamic_quantize_linear.h"
#include "tests/support/dynamic_model.h"

using namespace octet;
using namespace octet::testing;

// The oracle of a scale a row is ONNX's chain, node by node, given one row at a time.

namespace {

struct Case {
  const char* name;
  Dims x;
  ValueId (*build)(Graph&, ValueId);
  const char* ops;  // of the plan, in order
};

ValueId bare(Graph& g, ValueId x) {
  return op(g, "MatMul", {x, g.add_constant("w", random_floats({40, 21}, 3))});
}

const Case kCases[] = {
    {"product", {7, 40}, bare, "ScaledMatMul"},
    {"one row", {1, 40}, bare, "ScaledMatMul"},
    {"many blocks of rows", {401, 40}, bare, "ScaledMatMul"},
    {"a block and one row", {97, 40}, bare, "ScaledMatMul"},
    {"a batch of matrices, bias, clamp",
     {3, 50, 33},
     [](Graph& g, ValueId x) { return op(g, "Relu", {linear(g, x, 33, 70, 2)}); },
     "ScaledMatMul"},
    {"activation and residual",
     {130, 24},
     [](Graph& g, ValueId x) {
       return op(g, "Add", {op(g, "Gelu", {linear(g, x, 24, 24, 3)}), x});
     },
     "ScaledMatMul"},
    {"one quantization, three products",
     {2, 70, 24},
     [](Graph& g, ValueId x) {
       const ValueId q = linear(g, x, 24, 16, 4), k = linear(g, x, 24, 16, 5);
       return op(g, "Concat", {q, k, linear(g, x, 24, 16, 6)}, {{"axis", int64_t{-1}}});
     },
     "QuantizeRows ScaledMatMul ScaledMatMul ScaledMatMul Concat"},
    {"two layers",
     {100, 24},
     [](Graph& g, ValueId x) {
       return linear(g, op(g, "Relu", {linear(g, x, 24, 48, 7)}), 48, 5, 9);
     },
     "ScaledMatMul ScaledMatMul"},
};

// Rows of magnitudes from 2^-30 to 2^30 beside each other, one of zeros and one without negatives.
Tensor uneven(const Dims& dims) {
  Tensor x = random_floats(dims, 99);
  const auto columns = static_cast<size_t>(dims.back());
  auto* values = x.writable_as<float>();
  for (size_t i = 0; i < x.count(); ++i) {
    const size_t row = i / columns;
    values[i] = row % 7 == 5   ? 0.0F
                : row % 7 == 6 ? std::fabs(values[i])
                               : std::ldexp(values[i], static_cast<int>(row * 37 % 61) - 30);
  }
  return x;
}

Tensor row_of(const Tensor& tensor, size_t row) {
  const auto columns = static_cast<size_t>(tensor.dims().back());
  Dims dims(tensor.rank(), 1);
  dims.back() = tensor.dims().back();
  return Tensor::of(dims, tensor.as<float>().subspan(row * columns, columns));
}

size_t rows_in(const Tensor& tensor) {
  return tensor.count() / static_cast<size_t>(tensor.dims().back());
}

DynamicModel model_of(const Case& test, bool row_scales) {
  Shape shape;
  for (size_t i = 0; i + 1 < test.x.size(); ++i)
    shape.push_back(Dim::symbol(std::string(1, static_cast<char>(int{'a'} + static_cast<int>(i)))));
  shape.emplace_back(test.x.back());
  return {shape, test.build, row_scales};
}

}  // namespace

TEST_CASE("a scale a row: each row is what ONNX's chain gives for it alone, to the bit") {
  for (const Case& test : kCases) {
    CAPTURE(test.name);
    const DynamicModel by_row = model_of(test, true);
    const DynamicModel by_tensor = model_of(test, false);
    const Tensor x = uneven(test.x);
    const Tensor whole = by_row.run(x, compile_options(CpuToken::best()));
    for (size_t row = 0; row < rows_in(x); row += row < 8 ? 1 : 31)
      CHECK(row_of(whole, row) ==
            by_tensor.run(row_of(x, row), compile_options(CpuToken::best(), false)));
    for (const CpuToken cpu : all_tokens())
      for (const size_t threads : {1, 2, 5}) {
        CAPTURE(isa_name(cpu.isa()));
        std::string ops;
        CHECK(by_row.run(x, compile_options(cpu, true, threads), &ops) == whole);
        CHECK(ops == std::string(test.ops));
      }
    runtime::CompileOptions reference;
    reference.provider = runtime::Provider::reference;
    CHECK(relative_difference(by_row.run(x, reference), whole) < 1e-6);
  }
}

TEST_CASE("a scale a row: empty batches, and nothing to sum") {
  const DynamicModel model = model_of(kCases[0], true);
  const auto options = compile_options(CpuToken::best());
  CHECK(model.run(*Tensor::zeros(DType::f32, {0, 40}), options).dims() == Dims{0, 21});
}

TEST_CASE(
    "a scale a row: other readers of the codes keep one scale, and so does all without hint") {
  struct Reader {
    const char* name;
    ValueId (*build)(Graph&, ValueId);
    const char* ops;
  };
  const Reader readers[] = {
      {"a convolution beside the product",
       [](Graph& g, ValueId x) {
         const ValueId w = g.add_constant("w", random_floats({6, 6, 1}, 7));
         const ValueId c = op(g, "Conv", {x, w});
         return op(g, "Add", {linear(g, x, 9, 9, 1), c});
       },
       "DynamicQuantizeLinear ScaledConv ScaledMatMul"},
      {"a product of two activations",
       [](Graph& g, ValueId x) {
         return op(g, "MatMul",
                   {x, op(g, "Transpose", {x}, {{"perm", std::vector<int64_t>{0, 2, 1}}})});
       },
       "DynamicQuantizeLinear Transpose DynamicQuantizeLinear ScaledMatMul"},
  };
  const Tensor x = random_floats({2, 6, 9}, 5);
  for (const Reader& reader : readers) {
    CAPTURE(reader.name);
    const Shape shape{2, 6, 9};
    std::string ops;
    const Tensor hinted =
        DynamicModel(shape, reader.build, true).run(x, compile_options(CpuToken::best()), &ops);
    CHECK(ops.find("QuantizeRows") == std::string::npos);
    CHECK(ops.find("DynamicQuantizeLinear") != std::string::npos);
    CHECK(
        hinted ==
        DynamicModel(shape, reader.build, false).run(x, compile_options(CpuToken::best(), false)));
  }
}

TEST_CASE("a scale a row: nearer to the float model, and within the stated bound of one scale") {
  const Dims dims{64, 40};
  const Tensor x = uneven(dims);
  const Tensor w = random_floats({40, 21}, 3);
  const auto options = compile_options(CpuToken::best());
  const Case& test = kCases[0];
  const Tensor by_row = model_of(test, true).run(x, options);
  const Tensor by_tensor = model_of(test, false).run(x, options);
  const auto scale_of = [](std::span<const float> values) {
    double low = 0.0, high = 0.0;
    for (const float v : values) {
      low = std::min<double>(low, v);
      high = std::max<double>(high, v);
    }
    return high == low ? 1.0 : (high - low) / 255.0;
  };
  const double scale = scale_of(x.as<float>());
  double row_error = 0.0, tensor_error = 0.0;
  for (size_t i = 0; i < 64; ++i) {
    const auto row = x.as<float>().subspan(i * 40, 40);
    for (size_t j = 0; j < 21; ++j) {
      double exact = 0.0, weights = 0.0, largest = 0.0;
      for (size_t k = 0; k < 40; ++k) {
        const double weight = w.as<float>()[k * 21 + j];
        exact += row[k] * weight;
        weights += std::fabs(weight);
        largest = std::max(largest, std::fabs(weight));
      }
      const double a = by_row.as<float>()[i * 21 + j];
      const double b = by_tensor.as<float>()[i * 21 + j];
      // Weights as codes are at most half a step, 1/254 of the largest, away when none is clipped;
      // clipping only makes them smaller.
      const double codes = weights + 40.0 * largest / 254.0;
      CHECK(std::fabs(a - b) <= (scale_of(row) + scale) / 2.0 * codes * 1.0001);
      if (exact == 0.0) continue;
      row_error += std::fabs(a - exact) / std::fabs(exact);
      tensor_error += std::fabs(b - exact) / std::fabs(exact);
    }
  }
  CHECK(row_error * 4.0 < tensor_error);
}
