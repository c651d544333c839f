#include "kernels/gemm_f32/gemm_f32.h"

#include "kernels/half.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  size_t m, n, k;
  bool transposed_a = false;
  bool transposed_b = false;
  bool prepacked = true;
  float alpha = 1.0F;
  bool bias = false;
  // 0 none, 1 [M,N], 2 [M,1].
  int addend = 0;
  bool residual = false;
  Activation activation = {};
  size_t outer = 1, inner = 1;
  bool shared_b = true;
};

const Case kCases[] = {
    {.name = "one by one", .m = 1, .n = 1, .k = 1},
    {.name = "gemv", .m = 1, .n = 33, .k = 70},
    {.name = "gemv, many panels", .m = 1, .n = 345, .k = 19, .bias = true},
    {.name = "two rows", .m = 2, .n = 129, .k = 31},
    {.name = "three rows", .m = 3, .n = 97, .k = 8},
    {.name = "narrow", .m = 29, .n = 3, .k = 65},
    {.name = "sixteen columns", .m = 7, .n = 16, .k = 12},
    {.name = "seventeen columns", .m = 12, .n = 17, .k = 3},
    {.name = "thirteen rows", .m = 13, .n = 40, .k = 20},
    {.name = "blocks", .m = 130, .n = 80, .k = 1100},
    {.name = "no depth", .m = 3, .n = 5, .k = 0, .bias = true},
    {.name = "relu", .m = 5, .n = 20, .k = 9, .bias = true, .activation = {ActivationKind::relu}},
    {.name = "clip", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::clip, -0.25F, 0.5F}},
    {.name = "leaky", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::leaky_relu, 0.1F}},
    {.name = "sigmoid", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::sigmoid}},
    {.name = "tanh", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::tanh}},
    {.name = "silu", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::silu}},
    {.name = "gelu", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::gelu_erf}},
    {.name = "gelu tanh", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::gelu_tanh}},
    {.name = "hard sigmoid",
     .m = 5,
     .n = 20,
     .k = 9,
     .activation = {ActivationKind::hard_sigmoid, 0.2F, 0.5F}},
    {.name = "hard swish", .m = 5, .n = 20, .k = 9, .activation = {ActivationKind::hard_swish}},
    {.name = "everything",
     .m = 14,
     .n = 50,
     .k = 33,
     .alpha = 0.7F,
     .bias = true,
     .addend = 1,
     .residual = true,
     .activation = {ActivationKind::relu}},
    {.name = "addend a row", .m = 14, .n = 50, .k = 33, .alpha = 0.7F, .addend = 2},
    {.name = "transposed A", .m = 25, .n = 37, .k = 18, .transposed_a = true},
    {.name = "transposed B", .m = 25, .n = 67, .k = 18, .transposed_b = true},
    {.name = "runtime B, few rows", .m = 5, .n = 71, .k = 40, .prepacked = false, .bias = true},
    {.name = "runtime B, one row, many panels", .m = 1, .n = 300, .k = 40, .prepacked = false},
    {.name = "runtime B, three columns", .m = 2, .n = 3, .k = 40, .prepacked = false},
    {.name = "runtime B, many rows and panels", .m = 90, .n = 300, .k = 40, .prepacked = false},
    {.name = "runtime B", .m = 25, .n = 67, .k = 18, .prepacked = false},
    {.name = "runtime transposed B",
     .m = 1,
     .n = 67,
     .k = 18,
     .transposed_b = true,
     .prepacked = false},
    {.name = "batch",
     .m = 9,
     .n = 35,
     .k = 16,
     .transposed_b = true,
     .prepacked = false,
     .addend = 1,
     .residual = true,
     .outer = 2,
     .inner = 3,
     .shared_b = false},
    {.name = "batch, one B", .m = 9, .n = 35, .k = 16, .prepacked = false, .outer = 2, .inner = 3},
    {.name = "batch, one packed B", .m = 9, .n = 35, .k = 16, .bias = true, .outer = 2, .inner = 3},
    {.name = "batch of blocks",
     .m = 140,
     .n = 35,
     .k = 1100,
     .prepacked = false,
     .outer = 1,
     .inner = 2,
     .shared_b = false},
};

// Operands of a case; rows have gaps so that strides are seen to be used.
struct Operands {
  explicit Operands(const Case& c)
      : batch(c.outer * c.inner),
        a_size((c.transposed_a ? c.k : c.m) * (c.transposed_a ? c.m : c.k) + 64),
        b_size(c.k * c.n),
        out_row(c.n + 3),
        a(random_floats(batch * a_size, 1)),
        b(random_floats(batch * b_size + 1, 2)),
        bias(random_floats(c.n, 3)),
        addend(random_floats(batch * c.m * c.n, 4)),
        residual(random_floats(batch * c.m * c.n, 5)) {}
  size_t batch, a_size, b_size, out_row;
  std::vector<float> a, b, bias, addend, residual;
};

GemmF32Args make_args(const Case& c, const Operands& with) {
  const auto stride = [](size_t size) { return static_cast<ptrdiff_t>(size); };
  GemmF32Args args;
  args.m = c.m;
  args.n = c.n;
  args.k = c.k;
  args.a = c.transposed_a ? MatrixF32{with.a.data(), 1, stride(c.m)}
                          : MatrixF32{with.a.data(), stride(c.k), 1};
  args.b = c.transposed_b ? MatrixF32{with.b.data(), 1, stride(c.k)}
                          : MatrixF32{with.b.data(), stride(c.n), 1};
  args.out_row = stride(with.out_row);
  args.epilogue.alpha = c.alpha;
  if (c.bias) args.epilogue.bias = with.bias.data();
  if (c.addend != 0) {
    args.epilogue.addend = with.addend.data();
    args.epilogue.beta = 0.3F;
    args.epilogue.addend_row = stride(c.n);
    args.epilogue.addend_column = c.addend == 1 ? 1 : 0;
  }
  if (c.residual) {
    args.epilogue.residual = with.residual.data();
    args.epilogue.residual_row = stride(c.n);
  }
  args.epilogue.activation = c.activation;
  const auto level = [&](size_t count, size_t step) {
    GemmF32Batch batch;
    batch.count = count;
    batch.a = stride(step * with.a_size);
    batch.b = c.shared_b ? 0 : stride(step * with.b_size);
    batch.out = stride(step * c.m * with.out_row);
    batch.addend = batch.residual = stride(step * c.m * c.n);
    return batch;
  };
  args.outer = level(c.outer, c.inner);
  args.inner = level(c.inner, 1);
  return args;
}

void run(const GemmF32Table& table, GemmF32Args args, bool prepacked, float* out,
         Parallel& parallel) {
  Floats packed(gemm_f32_packed_size(table, args.k, args.n), NAN);
  if (prepacked) {
    gemm_f32_pack(table, args.b, args.k, args.n, packed.data(), parallel);
    args.packed_b = packed.data();
  }
  Floats scratch(gemm_f32_scratch_size(table, args), NAN);
  args.scratch = scratch.data();
  args.out = out;
  gemm_f32(table, args, parallel);
}

// The definition, with no code of the kernel's.
float expected(const Case& c, const GemmF32Args& args, size_t batch, size_t i, size_t j) {
  const auto offset = [&](ptrdiff_t outer, ptrdiff_t inner) {
    return static_cast<ptrdiff_t>(batch / c.inner) * outer +
           static_cast<ptrdiff_t>(batch % c.inner) * inner;
  };
  const auto row = static_cast<ptrdiff_t>(i);
  const auto column = static_cast<ptrdiff_t>(j);
  const float* a = args.a.data + offset(args.outer.a, args.inner.a) + row * args.a.row;
  const float* b = args.b.data + offset(args.outer.b, args.inner.b) + column * args.b.column;
  float sum = 0.0F;
  for (ptrdiff_t k = 0; k < static_cast<ptrdiff_t>(c.k); ++k)
    sum = std::fma(a[k * args.a.column], b[k * args.b.row], sum);
  const GemmF32Epilogue& e = args.epilogue;
  float value = std::fma(e.alpha, sum, e.bias != nullptr ? e.bias[j] : 0.0F);
  if (e.addend != nullptr)
    value = std::fma(e.beta,
                     e.addend[offset(args.outer.addend, args.inner.addend) + row * e.addend_row +
                              column * e.addend_column],
                     value);
  if (e.activation.kind == ActivationKind::relu) value = value < 0.0F ? 0.0F : value;
  if (e.residual != nullptr)
    value += e.residual[offset(args.outer.residual, args.inner.residual) + row * e.residual_row +
                        column];
  return value;
}

}  // namespace

TEST_CASE("gemm_f32: every row and every split gives the definition's bits") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const Operands with(c);
    const GemmF32Args args = make_args(c, with);
    const size_t size = with.batch * c.m * with.out_row;
    Floats oracle(size, -7.0F);
    SerialParallel serial;
    run(*gemm_f32_variants()[0].table, args, c.prepacked, oracle.data(), serial);
    if (c.activation.kind == ActivationKind::none || c.activation.kind == ActivationKind::relu)
      for (size_t i = 0; i < with.batch * c.m * c.n; ++i) {
        const size_t row = i / c.n;
        REQUIRE(oracle.data()[row * with.out_row + i % c.n] ==
                expected(c, args, row / c.m, row % c.m, i % c.n));
      }
    for_each_row(gemm_f32_variants(), select_gemm_f32, [&](const GemmF32Variant& variant) {
      SplitParallel split;
      for (Parallel* parallel : {static_cast<Parallel*>(&serial), static_cast<Parallel*>(&split)}) {
        Floats out(size, -7.0F);
        run(*variant.table, args, c.prepacked, out.data(), *parallel);
        CHECK(first_difference(out.data(), oracle.data(), size) == size);
      }
    });
  }
}

TEST_CASE("gemm_f32: fewer rows never need more scratch") {
  for (const GemmF32Variant& variant : gemm_f32_variants())
    for (const size_t n : {1, 3, 16, 40, 64, 71})
      for (const ptrdiff_t shared : {0, 1}) {
        GemmF32Args args;
        args.n = n;
        args.k = 33;
        args.b.row = static_cast<ptrdiff_t>(n);
        args.inner.count = 9;
        args.inner.b = shared;
        size_t least = 0;
        for (args.m = 1; args.m < 40; ++args.m) {
          const size_t size = gemm_f32_scratch_size(*variant.table, args);
          CHECK(size >= least);
          least = size;
        }
      }
}

TEST_CASE("gemm_f32: the residual and the addend may be the output") {
  constexpr size_t kM = 15, kN = 37, kK = 21;
  const auto a = random_floats(kM * kK, 1);
  const auto b = random_floats(kK * kN, 2);
  const auto start = random_floats(kM * kN, 3);
  for_each_row(gemm_f32_variants(), select_gemm_f32, [&](const GemmF32Variant& variant) {
    for (const bool residual : {false, true}) {
      Floats apart(kM * kN);
      Floats in_place(kM * kN);
      std::copy(start.begin(), start.end(), in_place.data());
      GemmF32Args args;
      args.m = kM;
      args.n = kN;
      args.k = kK;
      args.a = {a.data(), kK, 1};
      args.b = {b.data(), kN, 1};
      args.out_row = kN;
      args.epilogue.addend_row = args.epilogue.residual_row = kN;
      SerialParallel serial;
      (residual ? args.epilogue.residual : args.epilogue.addend) = start.data();
      run(*variant.table, args, false, apart.data(), serial);
      (residual ? args.epilogue.residual : args.epilogue.addend) = in_place.data();
      run(*variant.table, args, false, in_place.data(), serial);
      CHECK(first_difference(apart.data(), in_place.data(), kM * kN) == kM * kN);
    }
  });
}

namespace {

// B[k,n] in a stored format, with the floats that it stands for.
struct StoredB {
  StoredB(WeightFormat format, size_t k, size_t n, bool transposed) : wide(k * n) {
    const auto stride = [](size_t size) { return static_cast<ptrdiff_t>(size); };
    view.row = transposed ? 1 : stride(n);
    view.column = transposed ? stride(k) : 1;
    const auto values = random_floats(k * n, 2);
    if (format.form == WeightForm::f16) {
      halfs.resize(k * n);
      for (size_t i = 0; i < k * n; ++i) wide[i] = to_float(halfs[i] = to_half(values[i]));
      view.data = halfs.data();
      return;
    }
    const size_t groups = (k + format.group - 1) / format.group;
    scales = random_floats(groups * n, 6, 0.01F, 0.1F);
    codes.resize(k * n);
    view.scale_row = transposed ? 1 : stride(n);
    view.scale_column = transposed ? stride(groups) : 1;
    for (size_t i = 0; i < k; ++i)
      for (size_t j = 0; j < n; ++j) {
        const size_t at = transposed ? j * k + i : i * n + j;
        const size_t group = i / format.group;
        codes[at] = static_cast<int8_t>(std::floor(values[at] * 8.0F));
        wide[at] =
            static_cast<float>(codes[at]) * scales[transposed ? j * groups + group : group * n + j];
      }
    view.data = codes.data();
    view.scales = scales.data();
  }
  StoredWeights view;
  std::vector<float> wide, scales;
  std::vector<Half> halfs;
  std::vector<int8_t> codes;
};

struct StoredCase {
  const char* name;
  WeightFormat format;
  size_t m, n, k;
  bool transposed = false;
  bool adds = false;  ///< An addend and a residual.
};

const StoredCase kStoredCases[] = {
    {"halfs, one row", {WeightForm::f16}, 1, 345, 19},
    {"halfs, two rows", {WeightForm::f16}, 2, 130, 31},
    {"halfs, three rows", {WeightForm::f16}, 3, 97, 8},
    {"halfs, narrow", {WeightForm::f16}, 29, 3, 65},
    {"halfs, blocks", {WeightForm::f16}, 130, 80, 1100},
    {"halfs, panels for many rows", {WeightForm::f16}, 64, 83, 300},
    {"halfs, panels and addends", {WeightForm::f16}, 64, 83, 30, false, true},
    {"halfs, the deepest panel", {WeightForm::f16}, 37, 40, 1024},
    {"halfs, [N,K]", {WeightForm::f16}, 7, 49, 40, true},
    {"codes, one row", {WeightForm::s4, 32}, 1, 345, 64},
    {"codes, one by one", {WeightForm::s4, 16}, 1, 1, 1},
    {"codes, part of a word", {WeightForm::s4, 16}, 2, 40, 21},
    {"codes, part of a word, three rows", {WeightForm::s4, 16}, 3, 200, 43},
    {"codes, part of a word, a tile", {WeightForm::s4, 16}, 11, 70, 21},
    {"codes, part of a word, many rows", {WeightForm::s4, 16}, 41, 70, 45},
    {"codes, part of a group", {WeightForm::s4, 128}, 5, 40, 150},
    {"codes, narrow", {WeightForm::s4, 64}, 13, 5, 128},
    {"codes, blocks", {WeightForm::s4, 32}, 130, 80, 1100},
    {"codes, panels for many rows", {WeightForm::s4, 32}, 70, 95, 130},
    {"codes, [N,K]", {WeightForm::s4, 32}, 12, 70, 96, true},
};

}  // namespace

TEST_CASE("gemm_f32: stored weights give the bits of their floats") {
  for (const StoredCase& c : kStoredCases) {
    CAPTURE(c.name);
    const StoredB b(c.format, c.k, c.n, c.transposed);
    Case wide{.name = c.name, .m = c.m, .n = c.n, .k = c.k, .bias = true};
    if (c.adds) {
      wide.addend = 1;
      wide.residual = true;
    }
    const Operands with(wide);
    GemmF32Args args = make_args(wide, with);
    args.b = {b.wide.data(), b.view.row, b.view.column};
    const size_t size = c.m * with.out_row;
    Floats oracle(size, -7.0F);
    SerialParallel serial;
    run(*gemm_f32_variants()[0].table, args, true, oracle.data(), serial);
    for_each_row(gemm_f32_variants(), select_gemm_f32, [&](const GemmF32Variant& variant) {
      const size_t bytes = gemm_f32_packed_bytes(*variant.table, c.format, c.k, c.n);
      Floats packed(bytes / 4 + 1, NAN);
      gemm_f32_pack_stored(*variant.table, c.format, b.view, c.k, c.n,
                           reinterpret_cast<std::byte*>(packed.data()));
      GemmF32Args stored = args;
      stored.b = {};
      stored.packed_b = packed.data();
      stored.format = c.format;
      Floats out(size, -7.0F);
      stored.out = out.data();
      SplitParallel split;
      gemm_f32(*variant.table, stored, split);
      CHECK(first_difference(out.data(), oracle.data(), size) == size);
    });
  }
}
