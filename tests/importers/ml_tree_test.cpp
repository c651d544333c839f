#include <algorithm>
#include <random>

#include "tests/importers/ml_node.h"

// The tree ensembles of ai.onnx.ml, against a walk over the same trees.

namespace octet::testing {
namespace {

// Complete binary trees, node i's children 2i + 1 and 2i + 2, in the lists of TreeEnsemble*.
struct Trees {
  static constexpr size_t kTrees = 3, kDepth = 3, kInner = (1 << kDepth) - 1;
  static constexpr size_t kNodes = 2 * kInner + 1, kFeatures = 4;
  static constexpr const char* kModes[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE",
                                           "BRANCH_GT",  "BRANCH_EQ", "BRANCH_NEQ"};
  Ints tree, node, feature, yes, no, missing, mode, vote_tree, vote_node, target;
  Floats split, weight;
  Words modes;

  explicit Trees(unsigned seed, int64_t targets) {
    std::mt19937 random(seed);
    for (size_t i = 0; i < kTrees * kNodes; ++i) {
      const auto n = static_cast<int64_t>(i % kNodes);
      const bool leaf = i % kNodes >= kInner;
      tree.push_back(static_cast<int64_t>(i / kNodes));
      node.push_back(n);
      feature.push_back(leaf ? 0 : random() % kFeatures);
      mode.push_back(random() % std::size(kModes));
      modes.emplace_back(leaf ? "LEAF" : kModes[mode.back()]);
      split.push_back(static_cast<float>(random() % 5));
      missing.push_back(random() % 2);
      yes.push_back(leaf ? 0 : 2 * n + 1);
      no.push_back(leaf ? 0 : 2 * n + 2);
      if (!leaf) continue;
      vote_tree.push_back(tree.back());
      vote_node.push_back(n);
      target.push_back(random() % targets);
      weight.push_back(static_cast<float>(random() % 65) / 8.0F - 4.0F);
    }
  }

  static bool holds(int64_t mode, float x, float split) {
    const bool all[] = {x <= split, x<split, x >= split, x> split, x == split, x != split};
    return all[mode];
  }
  /// The vote that tree t gives `row`.
  size_t vote_of(size_t t, const float* row) const {
    size_t n = 0;
    while (n < kInner) {
      const size_t i = t * kNodes + n;
      const float x = row[feature[i]];
      const bool taken = std::isnan(x) ? missing[i] == 1 : holds(mode[i], x, split[i]);
      n = 2 * n + (taken ? 1 : 2);
    }
    return t * (kInner + 1) + n - kInner;
  }
  Attributes attributes(const std::string& votes) const {
    return {{"nodes_treeids", tree},         {"nodes_nodeids", node},
            {"nodes_featureids", feature},   {"nodes_modes", modes},
            {"nodes_values", split},         {"nodes_truenodeids", yes},
            {"nodes_falsenodeids", no},      {"nodes_missing_value_tracks_true", missing},
            {votes + "_treeids", vote_tree}, {votes + "_nodeids", vote_node},
            {votes + "_ids", target},        {votes + "_weights", weight}};
  }
};

// Small integers, so that splits are met, and some missing ones.
Tensor rows_for_trees(unsigned seed) {
  std::mt19937 random(seed);
  Floats x(40 * Trees::kFeatures);
  for (float& value : x) value = random() % 9 == 0 ? kNan : static_cast<float>(random() % 5);
  return table(40, x);
}

}  // namespace

TEST_CASE("ai.onnx.ml: trees take the branch that they say, and votes are put together") {
  for (const unsigned seed : {1U, 2U, 3U})
    for (const std::string how : {"SUM", "AVERAGE", "MIN", "MAX"}) {
      INFO(how << " of trees " << seed);
      const Trees trees(seed, 1);
      const Tensor x = rows_for_trees(seed);
      Floats want;
      for (int64_t i = 0; i < x.dims()[0]; ++i) {
        Floats votes;
        for (size_t t = 0; t < Trees::kTrees; ++t)
          votes.push_back(
              trees.weight[trees.vote_of(t, x.as<float>().data() + i * Trees::kFeatures)]);
        const float sum = votes[0] + votes[1] + votes[2];
        const auto [least, most] = std::minmax_element(votes.begin(), votes.end());
        want.push_back(0.5F + (how == "SUM"       ? sum
                               : how == "AVERAGE" ? sum / 3
                               : how == "MIN"     ? *least
                                                  : *most));
      }
      const auto y = run_node("TreeEnsembleRegressor",
                              with(trees.attributes("target"),
                                   {{"aggregate_function", how}, {"base_values", Floats{0.5F}}}),
                              {x}, 1);
      check_equal(y[0], table(x.dims()[0], want));
    }
}

TEST_CASE("ai.onnx.ml: trees choose the class with the most votes") {
  for (const unsigned seed : {4U, 5U, 6U}) {
    INFO("trees " << seed);
    const Trees trees(seed, 3);
    const Tensor x = rows_for_trees(seed);
    Floats scores;
    Ints labels;
    for (int64_t i = 0; i < x.dims()[0]; ++i) {
      Floats row = {0.25F, 0, -0.25F};
      for (size_t t = 0; t < Trees::kTrees; ++t) {
        const size_t vote = trees.vote_of(t, x.as<float>().data() + i * Trees::kFeatures);
        row[trees.target[vote]] += trees.weight[vote];
      }
      labels.push_back(100 * (std::max_element(row.begin(), row.end()) - row.begin()));
      scores.insert(scores.end(), row.begin(), row.end());
    }
    const Attributes attributes = with(
        trees.attributes("class"),
        {{"classlabels_int64s", Ints{0, 100, 200}}, {"base_values", Floats{0.25F, 0, -0.25F}}});
    const auto y = run_node("TreeEnsembleClassifier", attributes, {x}, 2);
    check_equal(y[0], list(labels));
    check_equal(y[1], table(x.dims()[0], scores));
    const auto likely =
        run_node("TreeEnsembleClassifier",
                 with(attributes, {{"post_transform", std::string("SOFTMAX")}}), {x}, 2);
    check_equal(likely[0], list(labels));
    check_equal(likely[1], softmax(scores));
  }
}

TEST_CASE("ai.onnx.ml: a tree that comes back to its root is refused") {
  Trees trees(7, 1);
  trees.yes[0] = 0;
  const auto model =
      import_node("TreeEnsembleRegressor", trees.attributes("target"), {rows_for_trees(7)}, 1);
  CHECK_FALSE((model && runtime::Program::compile(model->graph, {}).ok()));
}

}  // namespace octet::testing
