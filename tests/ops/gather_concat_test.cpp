#include "engine/ops/gather_concat.h"

#include "engine/passes/pass.h"
#include "tests/support/node_runner.h"
#include "tests/support/op_data.h"

using namespace octet;
using namespace octet::testing;

namespace {

struct Case {
  Dims table, tail;
  int64_t axis;
  std::vector<int64_t> rows;
};
const Case kCases[] = {
    {{3, 4, 5}, {2, 1, 5}, 1, {2, 0}},
    {{1, 4, 36, 0}, {1, 4, 36, 1}, 3, {0}},
    {{8, 2, 9, 6}, {8, 2, 9, 1}, -1, {7, 7, 0, -1, 3, -8, 2, 1}},
    {{3, 5, 1}, {4, 5, 1}, 2, {2, 0, 1, 1}},
    {{3, 5, 3}, {4, 5, 1}, 2, {2, 0, 1, 1}},
    {{3, 5, 4}, {4, 5, 1}, 2, {2, 0, 1, 1}},
    {{3, 5, 8}, {4, 5, 1}, 2, {2, 0, 1, 1}},
    {{3, 5, 13}, {4, 5, 1}, 2, {2, 0, 1, 1}},
    {{3, 5, 16}, {4, 5, 1}, 2, {2, 0, 1, 1}},
    {{3, 5, 21}, {4, 5, 1}, 2, {2, 0, 1, 1}},
    {{5, 2, 30, 3}, {3, 2, 2, 3}, 2, {4, 1, 1}},
    {{2, 1000}, {40, 33}, 1, std::vector<int64_t>(40, 1)},
    {{2, 3}, {0, 1}, 1, {}},
};

// By logical index.
Tensor oracle(const Case& c, const Tensor& table, const Tensor& tail) {
  const size_t axis = *normalize_axis(c.axis, c.table.size());
  Dims dims = c.tail;
  dims[axis] += c.table[axis];
  std::vector<float> y(static_cast<size_t>(*checked_count(dims)));
  for (size_t i = 0; i < y.size(); ++i) {
    Dims at(dims.size());
    size_t rest = i;
    for (size_t a = dims.size(); a-- > 0; rest /= static_cast<size_t>(dims[a]))
      at[a] = static_cast<int64_t>(rest % static_cast<size_t>(dims[a]));
    const bool kept = at[axis] < c.table[axis];
    const Tensor& from = kept ? table : tail;
    if (!kept) at[axis] -= c.table[axis];
    if (kept) at[0] = (c.rows[static_cast<size_t>(at[0])] + c.table[0]) % c.table[0];
    int64_t offset = 0;
    for (size_t a = 0; a < at.size(); ++a) offset = offset * from.dims()[a] + at[a];
    y[i] = from.as<float>()[static_cast<size_t>(offset)];
  }
  return Tensor::of(dims, y);
}

Tensor rows_of(const Case& c) { return Tensor::of({static_cast<int64_t>(c.rows.size())}, c.rows); }

// Gather and Concat of x [rows, 4, past], as exporters write them; `joined` along `axis`.
size_t nodes_left(int64_t gathered, int64_t axis, bool shown) {
  Graph graph;
  const auto op = [&](std::string_view name, std::vector<ValueId> inputs, const AttrMap& attrs) {
    const OpDef& def = require_op("", name);
    return graph.add_op(def, std::move(inputs), *def.attrs.read(attrs, kMaxOpset),
                        graph.unique_name(std::string(name)));
  };
  const ValueId x = graph.add_input("x", Type::tensor(DType::f32, Shape{4, 4, Dim::fresh()}));
  const ValueId rows = graph.add_input("rows", Type::tensor(DType::s64, Shape{4}));
  const ValueId tail = graph.add_input("tail", Type::tensor(DType::f32, Shape{4, 4, 1}));
  const ValueId picked = op("Gather", {x, rows}, {{"axis", gathered}});
  std::vector<ValueId> outputs = {op("Concat", {picked, tail}, {{"axis", axis}})};
  if (shown) outputs.push_back(picked);
  graph.set_outputs(outputs);
  REQUIRE(infer_graph(graph).ok());
  REQUIRE(run_passes(graph, PassPhase::fusion).ok());
  return graph.node_count();
}

}  // namespace

TEST_CASE("GatherConcat: rows that are picked and lengthened") {
  for (const Case& c : kCases) {
    const Tensor table = random_floats(c.table, 1), tail = random_floats(c.tail, 2);
    NodeRunner node("GatherConcat", Attrs::of(ops::GatherConcatAttrs{c.axis}), kOctetDomain);
    node.input(table).input(rows_of(c)).input(tail).output();
    const Tensor expected = oracle(c, table, tail);
    CHECK(node.run("copy")[0] == expected);
    CHECK(node.run("reference")[0] == expected);
  }
}

TEST_CASE("GatherConcat: a cache's Gather and Concat become one node") {
  CHECK(nodes_left(0, 2, false) == 1);
  CHECK(nodes_left(1, 2, false) == 2);
  CHECK(nodes_left(0, 2, true) == 2);
}
