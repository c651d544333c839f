#include "kernels/row_f32/row_f32.h"

#include "kernels/gemm_f32/gemm_f32.h"
#include "tests/support/float_kernels.h"

using namespace octet;
using namespace octet::kernels;
using namespace octet::test;

namespace {

struct Case {
  const char* name;
  size_t rows, depth, columns;
  ptrdiff_t a_step, b_row;
  float alpha;
};

const Case kCases[] = {{"one", 1, 1, 1, 1, 1, 1.0F},
                       {"nothing to add", 1, 0, 5, 1, 5, 1.0F},
                       {"past keys", 1, 36, 7, 1, 9, 0.25F},
                       {"a head's width", 2, 7, 36, 1, 36, 1.0F},
                       {"full vectors", 3, 5, 48, 1, 48, 2.0F},
                       {"two", 8, 5, 32, 2, 40, 1.0F},
                       {"four, narrow", 4, 6, 9, 1, 11, 1.0F},
                       {"four, two and one", 7, 34, 35, 1, 36, 0.5F},
                       {"many", 5, 9, 133, 3, 140, 0.3F}};

}  // namespace

TEST_CASE("row_f32: near the truth, gemm_f32's bits on every row") {
  SerialParallel serial;
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const auto a_row = static_cast<ptrdiff_t>(c.depth) * c.a_step + 2;
    const auto y_row = static_cast<ptrdiff_t>(c.columns) + 1;
    const std::vector<float> a = random_floats(c.rows * static_cast<size_t>(a_row) + 1, 1);
    const std::vector<float> b = random_floats(c.depth * static_cast<size_t>(c.b_row) + 1, 2);
    RowF32Args args{.a = a.data(),
                    .a_row = a_row,
                    .a_step = c.a_step,
                    .b = b.data(),
                    .b_row = c.b_row,
                    .rows = c.rows,
                    .depth = c.depth,
                    .columns = c.columns,
                    .alpha = c.alpha,
                    .y_row = y_row};
    const GemmF32Table& gemm = *gemm_f32_variants()[0].table;
    Floats packed(gemm_f32_packed_size(gemm, c.depth, c.columns) + 1);
    Floats expected(c.rows * static_cast<size_t>(y_row), 5.0F);
    gemm_f32_pack(gemm, {b.data(), c.b_row, 1}, c.depth, c.columns, packed.data(), serial);
    GemmF32Args product;
    product.m = c.rows;
    product.n = c.columns;
    product.k = c.depth;
    product.a = {a.data(), a_row, c.a_step};
    product.packed_b = packed.data();
    product.out = expected.data();
    product.out_row = y_row;
    product.epilogue.alpha = c.alpha;
    gemm_f32(gemm, product, serial);
    for (size_t r = 0; r < c.rows; ++r)
      for (size_t i = 0; i < c.columns; ++i) {
        double sum = 0.0;
        for (size_t k = 0; k < c.depth; ++k)
          sum += static_cast<double>(
                     a[r * static_cast<size_t>(a_row) + k * static_cast<size_t>(c.a_step)]) *
                 static_cast<double>(b[k * static_cast<size_t>(c.b_row) + i]);
        REQUIRE(std::fabs(static_cast<double>(expected.data()[r * static_cast<size_t>(y_row) + i]) -
                          static_cast<double>(c.alpha) * sum) < 1e-5);
      }
    for_each_row(row_f32_variants(), select_row_f32, [&](const RowF32Variant& variant) {
      Floats y(expected.size(), 5.0F);
      args.y = y.data();
      variant.table->multiply(args);
      CHECK(first_difference(y.data(), expected.data(), y.size()) == y.size());
    });
  }
}

TEST_CASE("row_f32: a matrix for each row gives what its row alone does") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    constexpr size_t kRows = 5;
    const auto a_row = static_cast<ptrdiff_t>(c.depth) * c.a_step + 2;
    const auto y_row = static_cast<ptrdiff_t>(c.columns) + 1;
    const auto b_next = static_cast<ptrdiff_t>(c.depth) * c.b_row + 3;
    const std::vector<float> a = random_floats(kRows * static_cast<size_t>(a_row) + 1, 3);
    const std::vector<float> b = random_floats(kRows * static_cast<size_t>(b_next) + 1, 4);
    RowF32Args args;
    args.a_row = a_row;
    args.a_step = c.a_step;
    args.b_row = c.b_row;
    args.b_next = b_next;
    args.depth = c.depth;
    args.columns = c.columns;
    args.alpha = c.alpha;
    args.y_row = y_row;
    Floats expected(kRows * static_cast<size_t>(y_row), 5.0F);
    for (size_t r = 0; r < kRows; ++r) {
      args.a = a.data() + r * static_cast<size_t>(a_row);
      args.b = b.data() + r * static_cast<size_t>(b_next);
      args.y = expected.data() + r * static_cast<size_t>(y_row);
      row_f32_variants()[0].table->multiply(args);
    }
    args.a = a.data();
    args.b = b.data();
    args.rows = kRows;
    for_each_row(row_f32_variants(), select_row_f32, [&](const RowF32Variant& variant) {
      Floats y(expected.size(), 5.0F);
      args.y = y.data();
      variant.table->multiply(args);
      CHECK(first_difference(y.data(), expected.data(), y.size()) == y.size());
    });
  }
}

TEST_CASE("row_f32: attention over few keys is its products and their softmax") {
  for (const size_t heads : {1, 3, 4, 9})
    for (const size_t keys : {1, 7, 15, 16})
      for (const bool shared : {false, true}) {
        CAPTURE(heads);
        CAPTURE(keys);
        constexpr size_t kDepth = 36, kColumns = 37;
        const auto count = static_cast<ptrdiff_t>(heads);
        const auto wide = static_cast<ptrdiff_t>(keys) + 1;
        const std::vector<float> q = random_floats(heads * kDepth, 5, -2.0F, 2.0F);
        const std::vector<float> k = random_floats(heads * kDepth * (keys + 1), 6, -2.0F, 2.0F);
        const std::vector<float> v = random_floats(heads * keys * kColumns, 7);
        RowAttentionArgs args;
        args.scores = {.a = q.data(),
                       .a_row = kDepth,
                       .b = k.data(),
                       .b_row = wide,
                       .b_next = shared ? 0 : wide * static_cast<ptrdiff_t>(kDepth),
                       .rows = heads,
                       .depth = kDepth,
                       .columns = keys,
                       .alpha = 0.3F};
        args.v = v.data();
        args.v_row = kColumns;
        args.v_next = shared ? 0 : static_cast<ptrdiff_t>(keys * kColumns);
        args.columns = kColumns;
        args.y_row = kColumns + 2;
        Floats expected(static_cast<size_t>(count * args.y_row), 5.0F);
        for (size_t r = 0; r < heads; ++r) {
          const auto row = static_cast<ptrdiff_t>(r);
          std::vector<double> p(keys);
          double sum = 0.0;
          for (size_t j = 0; j < keys; ++j) {
            double score = 0.0;
            for (size_t d = 0; d < kDepth; ++d)
              score +=
                  static_cast<double>(q[r * kDepth + d]) *
                  static_cast<double>(
                      args.scores.b[row * args.scores.b_next + static_cast<ptrdiff_t>(d) * wide +
                                    static_cast<ptrdiff_t>(j)]);
            sum += p[j] = std::exp(static_cast<double>(args.scores.alpha) * score);
          }
          for (size_t c = 0; c < kColumns; ++c) {
            double mixed = 0.0;
            for (size_t j = 0; j < keys; ++j)
              mixed += p[j] / sum *
                       static_cast<double>(
                           args.v[row * args.v_next + static_cast<ptrdiff_t>(j * kColumns + c)]);
            expected.data()[row * args.y_row + static_cast<ptrdiff_t>(c)] =
                static_cast<float>(mixed);
          }
        }
        Floats oracle(expected.size(), 5.0F);
        args.y = oracle.data();
        row_f32_variants()[0].table->attend(args);
        for (size_t i = 0; i < expected.size(); ++i)
          REQUIRE(std::fabs(oracle.data()[i] - expected.data()[i]) < 1e-5F);
        for_each_row(row_f32_variants(), select_row_f32, [&](const RowF32Variant& variant) {
          Floats y(expected.size(), 5.0F);
          args.y = y.data();
          variant.table->attend(args);
          CHECK(first_difference(y.data(), oracle.data(), y.size()) == y.size());
        });
      }
}

TEST_CASE("row_f32: attention that makes its caches gives their copies, and attention's bits") {
  struct Case {
    size_t heads, keys, depth, columns;
  };
  const Case cases[] = {{1, 1, 36, 36}, {4, 2, 36, 36}, {3, 7, 5, 50}, {4, 8, 36, 16},
                        {9, 9, 36, 37}, {8, 16, 7, 33}, {6, 1, 3, 1},  {5, 12, 1, 100}};
  for (const Case& c : cases) {
    CAPTURE(c.heads);
    CAPTURE(c.keys);
    const size_t past = c.keys - 1, gap = 3;
    const std::vector<float> q = random_floats(c.heads * (c.depth + 1) * 2, 1, -2.0F, 2.0F);
    const std::vector<float> kept_k = random_floats(c.heads * c.depth * past + 1, 2, -2.0F, 2.0F);
    const std::vector<float> new_k = random_floats(c.heads * c.depth, 3, -2.0F, 2.0F);
    const std::vector<float> kept_v = random_floats(c.heads * past * c.columns + 1, 4);
    const std::vector<float> new_v = random_floats(c.heads * c.columns, 5);
    // By element.
    Floats k(c.heads * c.depth * c.keys + gap, 7.0F), v(c.heads * c.keys * c.columns + gap, 7.0F);
    for (size_t i = 0; i < c.heads * c.depth; ++i)
      for (size_t j = 0; j < c.keys; ++j)
        k.data()[i * c.keys + j] = j < past ? kept_k[i * past + j] : new_k[i];
    for (size_t h = 0; h < c.heads; ++h)
      for (size_t j = 0; j < c.keys; ++j)
        for (size_t e = 0; e < c.columns; ++e)
          v.data()[(h * c.keys + j) * c.columns + e] =
              j < past ? kept_v[(h * past + j) * c.columns + e] : new_v[h * c.columns + e];
    RowCachesArgs args;
    args.attention.scores = {.a = q.data(),
                             .a_row = static_cast<ptrdiff_t>(2 * c.depth + 1),
                             .a_step = 2,
                             .b = k.data(),
                             .b_row = static_cast<ptrdiff_t>(c.keys),
                             .b_next = static_cast<ptrdiff_t>(c.depth * c.keys),
                             .rows = c.heads,
                             .depth = c.depth,
                             .columns = c.keys,
                             .alpha = 0.3F};
    args.attention.v = v.data();
    args.attention.v_row = static_cast<ptrdiff_t>(c.columns);
    args.attention.v_next = static_cast<ptrdiff_t>(c.keys * c.columns);
    args.attention.columns = c.columns;
    args.attention.y_row = static_cast<ptrdiff_t>(c.columns + 2);
    Floats expected(c.heads * (c.columns + 2) + gap, 5.0F);
    args.attention.y = expected.data();
    row_f32_variants()[0].table->attend(args.attention);
    args.kept_k = kept_k.data();
    args.new_k = new_k.data();
    args.kept_v = kept_v.data();
    args.new_v = new_v.data();
    for_each_row(row_f32_variants(), select_row_f32, [&](const RowF32Variant& variant) {
      if (variant.table->attend_caches == nullptr) return;
      Floats y(expected.size(), 5.0F), made_k(k.size(), 7.0F), made_v(v.size(), 7.0F);
      args.attention.y = y.data();
      args.attention.scores.b = args.k = made_k.data();
      args.attention.v = args.v = made_v.data();
      variant.table->attend_caches(args);
      CHECK(first_difference(made_k.data(), k.data(), k.size()) == k.size());
      CHECK(first_difference(made_v.data(), v.data(), v.size()) == v.size());
      CHECK(first_difference(y.data(), expected.data(), y.size()) == y.size());
    });
  }
}
