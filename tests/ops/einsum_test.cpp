#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

Attrs attrs_of(const char* equation) {
  return require_op("", "Einsum").attrs.read({{"equation", std::string(equation)}}, 21).value();
}

struct Case {
  const char* equation;
  Dims a, b, out;
  bool products;  ///< Whether it is a batch of matrix products.
};

const Case kCases[] = {
    {"bcxd,bcyd->bcxy", {2, 3, 4, 5}, {2, 3, 6, 5}, {2, 3, 4, 6}, true},
    {"blhd,bshd->blhs", {2, 3, 4, 5}, {2, 6, 4, 5}, {2, 3, 4, 6}, true},
    {"ij,jk", {3, 4}, {4, 5}, {3, 5}, true},
    {"ij,jk->ki", {3, 4}, {4, 5}, {5, 3}, true},
    {"...ij,...jk->...ik", {2, 1, 3, 4}, {5, 4, 2}, {2, 5, 3, 2}, true},
    {"i,j->ij", {3}, {4}, {3, 4}, true},
    {"ij,kl->i", {3, 2}, {4, 5}, {3}, false},
    {"ii,i->i", {3, 3}, {3}, {3}, true},
    {"ij,ij->", {2, 3}, {2, 3}, {}, false},
    {"ij,jk->ik", {3, 0}, {0, 2}, {3, 2}, true},
    {"ij,jk->ik", {0, 3}, {3, 2}, {0, 2}, true},
};

}  // namespace

TEST_CASE("Einsum: kernel products agree with plain sums on every instruction set") {
  for (const Case& c : kCases) {
    INFO(c.equation);
    const Tensor a = random_floats(c.a, 1);
    const Tensor b = random_floats(c.b, 2);
    for (const CpuToken cpu : all_tokens()) {
      NodeRunner node("Einsum", attrs_of(c.equation));
      node.input(a).input(b).output();
      const Tensor expected = node.run("reference", cpu)[0];
      CHECK(expected.dims() == c.out);
      CHECK(relative_difference(node.run("gemm_f32", cpu)[0], expected) < 1e-5);
    }
  }
}

TEST_CASE("Einsum by hand") {
  struct Hand {
    const char* equation;
    std::vector<float> y;
    Dims dims;
  };
  const Tensor x = Tensor::of(Dims{2, 2}, std::vector<float>{1, 2, 3, 4});
  for (const Hand& c : {Hand{"ij->ji", {1, 3, 2, 4}, {2, 2}}, Hand{"ij->i", {3, 7}, {2}},
                        Hand{"ii->i", {1, 4}, {2}}, Hand{"ii", {5}, {}},
                        Hand{"...j->...", {3, 7}, {2}}, Hand{"ba", {1, 3, 2, 4}, {2, 2}}}) {
    INFO(c.equation);
    NodeRunner node("Einsum", attrs_of(c.equation));
    node.input(x).output();
    CHECK(node.run("reference")[0] == Tensor::of(c.dims, c.y));
  }
  NodeRunner three("Einsum", attrs_of("i,i,i->"));
  const Tensor v = Tensor::of(Dims{2}, std::vector<int64_t>{2, 3});
  three.input(v).input(v).input(v).output();
  CHECK(three.run("reference")[0] == Tensor::of(Dims{}, std::vector<int64_t>{35}));
}

TEST_CASE("Einsum refuses terms that don't fit, and follows symbols") {
  Graph graph;
  const Dim n = Dim::symbol("n");
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{n, Dim(3)}));
  const auto infer = [&](const char* equation) {
    const ValueId y = graph.add_op(require_op("", "Einsum"), {x, x}, attrs_of(equation), "y");
    const Status status = infer_node(graph, graph.value(y).producer);
    return status.ok() ? to_string(*graph.value(y).type.shape) : std::string("refused");
  };
  CHECK(infer("ij,kj->ik") == to_string(Shape{n, n}));
  for (const char* equation : {"ij,jkl->ik", "ij->i", "ij,k?->i", "ij,ij->k"})
    CHECK(infer(equation) == "refused");
}
