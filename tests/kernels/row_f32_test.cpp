#include "kernels/row_f32/row_f32.h"

#include "kernels/gemm_f32/gemm_f32.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  size_t depth, columns;
  ptrdiff_t a_step, b_row;
  float alpha;
};

const Case kCases[] = {{"one", 1, 1, 1, 1, 1.0F},
                       {"nothing to add", 0, 5, 1, 5, 1.0F},
                       {"past keys", 36, 7, 1, 9, 0.25F},
                       {"a head's width", 7, 36, 1, 36, 1.0F},
                       {"full vectors", 5, 48, 1, 48, 2.0F},
                       {"two", 5, 32, 2, 40, 1.0F},
                       {"many", 9, 133, 3, 140, 0.3F}};

}  // namespace

TEST_CASE("row_f32: near the truth, gemm_f32's bits on every row") {
  SerialParallel serial;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const std::vector<float> a = random_floats(c.depth * static_cast<size_t>(c.a_step) + 1, 1);
    const std::vector<float> b = random_floats(c.depth * static_cast<size_t>(c.b_row) + 1, 2);
    RowF32Args args{a.data(), c.a_step, b.data(), c.b_row, c.depth, c.columns, c.alpha, nullptr};
    const GemmF32Table& gemm = *gemm_f32_variants()[0].table;
    Floats packed(gemm_f32_packed_size(gemm, c.depth, c.columns) + 1), expected(c.columns);
    gemm_f32_pack(gemm, {b.data(), c.b_row, 1}, c.depth, c.columns, packed.data(), serial);
    GemmF32Args product;
    product.m = 1;
    product.n = c.columns;
    product.k = c.depth;
    product.a = {a.data(), 0, c.a_step};
    product.packed_b = packed.data();
    product.out = expected.data();
    product.epilogue.alpha = c.alpha;
    gemm_f32(gemm, product, serial);
    for (size_t i = 0; i < c.columns; ++i) {
      double sum = 0.0;
      for (size_t k = 0; k < c.depth; ++k)
        sum += static_cast<double>(a[k * static_cast<size_t>(c.a_step)]) *
               static_cast<double>(b[k * static_cast<size_t>(c.b_row) + i]);
      REQUIRE(std::fabs(static_cast<double>(expected.data()[i]) -
                        static_cast<double>(c.alpha) * sum) < 1e-5);
    }
    for_each_row(row_f32_variants(), select_row_f32, [&](const RowF32Variant& variant) {
      Floats y(c.columns + 1, 5.0F);
      args.y = y.data();
      variant.table->multiply(args);
      CHECK(first_difference(y.data(), expected.data(), c.columns) == c.columns);
      CHECK(y.data()[c.columns] == 5.0F);
    });
  }
}
