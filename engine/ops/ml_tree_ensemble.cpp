#include <cmath>

#include "engine/ir/stop.h"
#include "engine/ops/common/ml_rows.h"
#include "engine/ops/common/ml_tree.h"
#include "engine/ops/common/pieces.h"

// Tree ensembles of ai.onnx.ml from version 5 on: leaves apart from inner nodes.

namespace octet::ops::ml_tree_ensemble {
namespace {

struct TreeEnsembleAttrs {
  int64_t aggregate_function = 1;
  std::vector<int64_t> leaf_targetids = {};
  Tensor leaf_weights = {};
  std::optional<Tensor> membership_values = {};
  int64_t n_targets = 1;
  std::vector<int64_t> nodes_falseleafs = {};
  std::vector<int64_t> nodes_falsenodeids = {};
  std::vector<int64_t> nodes_featureids = {};
  std::optional<Tensor> nodes_hitrates = {};  ///< Popularity: changes nothing.
  std::vector<int64_t> nodes_missing_value_tracks_true = {};
  Tensor nodes_modes = {};
  Tensor nodes_splits = {};
  std::vector<int64_t> nodes_trueleafs = {};
  std::vector<int64_t> nodes_truenodeids = {};
  int64_t post_transform = 0;
  std::vector<int64_t> tree_roots = {};
  static constexpr auto fields() {
    using A = TreeEnsembleAttrs;
    return std::tuple{field("aggregate_function", &A::aggregate_function),
                      field("leaf_targetids", &A::leaf_targetids, {.required = true}),
                      field("leaf_weights", &A::leaf_weights, {.required = true}),
                      field("membership_values", &A::membership_values),
                      field("n_targets", &A::n_targets),
                      field("nodes_falseleafs", &A::nodes_falseleafs, {.required = true}),
                      field("nodes_falsenodeids", &A::nodes_falsenodeids, {.required = true}),
                      field("nodes_featureids", &A::nodes_featureids, {.required = true}),
                      field("nodes_hitrates", &A::nodes_hitrates),
                      field("nodes_missing_value_tracks_true", &A::nodes_missing_value_tracks_true),
                      field("nodes_modes", &A::nodes_modes, {.required = true}),
                      field("nodes_splits", &A::nodes_splits, {.required = true}),
                      field("nodes_trueleafs", &A::nodes_trueleafs, {.required = true}),
                      field("nodes_truenodeids", &A::nodes_truenodeids, {.required = true}),
                      field("post_transform", &A::post_transform),
                      field("tree_roots", &A::tree_roots, {.required = true})};
  }
};

std::vector<double> doubles_of(const Tensor& tensor) {
  if (tensor.dtype() == DType::f64) {
    const auto values = tensor.as<double>();
    return {values.begin(), values.end()};
  }
  const auto values = tensor.to_float();
  return {values.begin(), values.end()};
}

// Inner nodes come first in the forest, then the leaves.
Result<ml::Forest> forest_of(const TreeEnsembleAttrs& a) {
  const size_t inner = a.nodes_featureids.size();
  const size_t leaves = a.leaf_targetids.size();
  const auto modes = a.nodes_modes.to_int64();
  const auto splits = doubles_of(a.nodes_splits);
  const auto weights = doubles_of(a.leaf_weights);
  const auto members =
      a.membership_values ? doubles_of(*a.membership_values) : std::vector<double>();
  if (modes.size() != inner || splits.size() != inner || a.nodes_truenodeids.size() != inner ||
      a.nodes_falsenodeids.size() != inner || a.nodes_trueleafs.size() != inner ||
      a.nodes_falseleafs.size() != inner || weights.size() != leaves)
    return invalid_model("the lists of nodes or leaves differ in length");
  const auto& missing = a.nodes_missing_value_tracks_true;
  if (!missing.empty() && missing.size() != inner)
    return invalid_model("nodes_missing_value_tracks_true has another length");
  ml::Forest forest;
  size_t member = 0;
  const auto child = [&](int64_t id, int64_t is_leaf) {
    return static_cast<size_t>(id) + (is_leaf != 0 ? inner : 0);
  };
  for (size_t i = 0; i < inner; ++i) {
    ml::TreeNode node;
    if (modes[i] < 0 || modes[i] > 6 || a.nodes_featureids[i] < 0 || a.nodes_truenodeids[i] < 0 ||
        a.nodes_falsenodeids[i] < 0)
      return invalid_model("node {} makes no sense", i);
    node.branch = static_cast<ml::Branch>(modes[i]);
    node.feature = static_cast<size_t>(a.nodes_featureids[i]);
    node.split = splits[i];
    node.missing_is_true = !missing.empty() && missing[i] != 0;
    node.if_true = child(a.nodes_truenodeids[i], a.nodes_trueleafs[i]);
    node.if_false = child(a.nodes_falsenodeids[i], a.nodes_falseleafs[i]);
    if (node.branch == ml::Branch::member) {
      for (; member < members.size() && !std::isnan(members[member]); ++member)
        node.members.push_back(members[member]);
      ++member;
    }
    forest.nodes.push_back(std::move(node));
  }
  for (size_t i = 0; i < leaves; ++i) {
    ml::TreeNode node;
    node.leaf = true;
    if (a.leaf_targetids[i] < 0 || a.leaf_targetids[i] >= a.n_targets)
      return invalid_model("a leaf's target is outside n_targets");
    node.votes = {{static_cast<size_t>(a.leaf_targetids[i]), weights[i]}};
    forest.nodes.push_back(std::move(node));
  }
  for (const int64_t root : a.tree_roots) {
    if (root < 0) return invalid_model("a tree has no root");
    forest.roots.push_back(static_cast<size_t>(root));
  }
  OCTET_RETURN_IF_ERROR(forest.check());
  return forest;
}

Status infer(InferContext& context) {
  const auto& attrs = context.attrs<TreeEnsembleAttrs>();
  OCTET_RETURN_IF_ERROR(context.require(0, {DType::f32, DType::f64}));
  if (attrs.n_targets < 1) return invalid_model("n_targets {}", attrs.n_targets);
  if (attrs.aggregate_function < 0 || attrs.aggregate_function > 3)
    return invalid_model("aggregate_function {}", attrs.aggregate_function);
  if (attrs.post_transform != 0 && attrs.n_targets == 1)
    return unsupported("post_transform of one target");
  if (attrs.post_transform < 0 || attrs.post_transform > 3)
    return unsupported("post_transform {}", attrs.post_transform);
  context.set_tensor(0, context.dtype(0), Shape{ml::batch_of(context), Dim(attrs.n_targets)});
  return {};
}

class TreeStep final : public Step {
 public:
  TreeStep(ml::Forest forest, const TreeEnsembleAttrs& attrs)
      : forest_(std::move(forest)),
        targets_(static_cast<size_t>(attrs.n_targets)),
        aggregate_(static_cast<ml::Aggregate>(attrs.aggregate_function)),
        transform_(static_cast<ml::PostTransform>(attrs.post_transform)) {}
  Status run(RunContext& context) const override {
    OCTET_ASSIGN(const ml::Rows rows, ml::rows_of(context.input(0)));
    if (rows.width < forest_.features)
      return invalid_data("rows of {} features, not {}", rows.width, forest_.features);
    OCTET_RETURN_IF_ERROR(
        context.allocate(0, {static_cast<int64_t>(rows.count), static_cast<int64_t>(targets_)}));
    const TensorView& y = context.output(0);
    StopPoll poll;
    for (size_t i = 0; i < rows.count; ++i) {
      poll(forest_.work(targets_));
      auto scores = forest_.vote(rows.row(i), targets_, aggregate_);
      ml::apply(transform_, scores);
      visit_dtype(y.dtype, FloatTypes{}, [&]<typename T>() {
        for (size_t t = 0; t < targets_; ++t)
          y.as<T>()[i * targets_ + t] = static_cast<T>(scores[t]);
      });
    }
    return {};
  }
  StepInfo info() const override { return {"tree", "native", Isa::scalar}; }

 private:
  ml::Forest forest_;
  size_t targets_;
  ml::Aggregate aggregate_;
  ml::PostTransform transform_;
};

Result<std::unique_ptr<Step>> prepare(const LowerContext& context) {
  const auto& attrs = context.attrs<TreeEnsembleAttrs>();
  OCTET_ASSIGN(auto forest, forest_of(attrs));
  return std::unique_ptr<Step>(std::make_unique<TreeStep>(std::move(forest), attrs));
}

constexpr Implementation kRows[] = {{.name = "tree", .prepare = prepare}};

}  // namespace

extern const OpDef TreeEnsemble;
const OpDef TreeEnsemble = {.domain = ml::kDomain,
                            .name = "TreeEnsemble",
                            .since = 5,
                            .inputs = {1, 1},
                            .attrs = attr_codec<TreeEnsembleAttrs>(),
                            .infer = infer,
                            .implementations = kRows};

}  // namespace octet::ops::ml_tree_ensemble
