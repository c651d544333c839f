#include "engine/ops/gemm.h"

#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;
using ops::GemmAttrs;

namespace {

struct Case {
  const char* name;
  int64_t m, n, k;
  GemmAttrs attrs;
  std::optional<Dims> c;
};

Tensor oracle(const Case& c, const Tensor& a, const Tensor& b, const Tensor& addend) {
  std::vector<float> out;
  for (int64_t i = 0; i < c.m; ++i)
    for (int64_t j = 0; j < c.n; ++j) {
      double sum = 0.0;
      for (int64_t k = 0; k < c.k; ++k) {
        const int64_t at_a = c.attrs.trans_a != 0 ? k * c.m + i : i * c.k + k;
        const int64_t at_b = c.attrs.trans_b != 0 ? j * c.k + k : k * c.n + j;
        sum += static_cast<double>(a.as<float>()[static_cast<size_t>(at_a)]) *
               b.as<float>()[static_cast<size_t>(at_b)];
      }
      sum *= c.attrs.alpha;
      if (c.c) {
        const Dims& dims = *c.c;
        const int64_t columns = dims.empty() ? 1 : dims.back();
        const int64_t rows = dims.size() < 2 ? 1 : dims[0];
        const int64_t at = (rows == 1 ? 0 : i * columns) + (columns == 1 ? 0 : j);
        sum += static_cast<double>(c.attrs.beta) * addend.as<float>()[static_cast<size_t>(at)];
      }
      out.push_back(static_cast<float>(sum));
    }
  return Tensor::of({c.m, c.n}, out);
}

const Case kCases[] = {
    {.name = "plain", .m = 4, .n = 5, .k = 6, .attrs = {}, .c = {}},
    {.name = "linear layer", .m = 3, .n = 33, .k = 65, .attrs = {.trans_b = 1}, .c = Dims{33}},
    {.name = "all",
     .m = 3,
     .n = 5,
     .k = 4,
     .attrs = {.alpha = 0.25F, .beta = 0.35F, .trans_a = 1, .trans_b = 1},
     .c = Dims{1, 5}},
    {.name = "scalar", .m = 2, .n = 3, .k = 4, .attrs = {}, .c = Dims{}},
    {.name = "one element", .m = 2, .n = 3, .k = 4, .attrs = {.beta = 2.0F}, .c = Dims{1}},
    {.name = "column", .m = 2, .n = 3, .k = 4, .attrs = {}, .c = Dims{2, 1}},
    {.name = "matrix", .m = 2, .n = 3, .k = 4, .attrs = {.beta = 0.5F}, .c = Dims{2, 3}},
    {.name = "no depth", .m = 2, .n = 3, .k = 0, .attrs = {}, .c = Dims{3}},
    {.name = "no rows", .m = 0, .n = 3, .k = 4, .attrs = {}, .c = Dims{3}},
};

}  // namespace

TEST_CASE("Gemm: every row and instruction set against plain loops") {
  for (const Case& c : kCases) {
    INFO(c.name);
    const Tensor a = random_floats(c.attrs.trans_a != 0 ? Dims{c.k, c.m} : Dims{c.m, c.k}, 1);
    const Tensor b = random_floats(c.attrs.trans_b != 0 ? Dims{c.n, c.k} : Dims{c.k, c.n}, 2);
    const Tensor addend = random_floats(c.c.value_or(Dims{}), 3);
    const Tensor expected = oracle(c, a, b, addend);
    for (const bool constant : {true, false})
      for (const CpuToken cpu : all_tokens()) {
        NodeRunner node("Gemm", Attrs::of(c.attrs));
        node.input(a);
        constant ? node.constant(b) : node.input(b);
        if (c.c) node.input(addend);
        node.output();
        CHECK(relative_difference(node.run("gemm_f32", cpu)[0], expected) < 1e-5);
        CHECK(node.info().kernel == "gemm_f32");
        CHECK(relative_difference(node.run("reference", cpu)[0], expected) < 1e-5);
      }
  }
}
