#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "engine/ir/stop.h"
#include "engine/ops/common/ml_rows.h"
#include "engine/ops/common/ml_tree.h"
#include "engine/ops/common/pieces.h"

// TreeEnsembleRegressor and TreeEnsembleClassifier: nodes named by tree and number, leaves among
// them, votes apart.

namespace octet::ops::ml_tree_models {
namespace {

struct NodeAttrs {
  std::vector<float> base_values = {};
  std::optional<Tensor> base_values_as_tensor = {};
  std::vector<int64_t> nodes_falsenodeids = {};
  std::vector<int64_t> nodes_featureids = {};
  std::vector<float> nodes_hitrates = {};  ///< Popularity: changes nothing.
  std::optional<Tensor> nodes_hitrates_as_tensor = {};
  std::vector<int64_t> nodes_missing_value_tracks_true = {};
  std::vector<std::string> nodes_modes = {};
  std::vector<int64_t> nodes_nodeids = {};
  std::vector<int64_t> nodes_treeids = {};
  std::vector<int64_t> nodes_truenodeids = {};
  std::vector<float> nodes_values = {};
  std::optional<Tensor> nodes_values_as_tensor = {};
  std::string post_transform = "NONE";
  // Votes: of the fields `class_*` or `target_*`.
  std::vector<int64_t> vote_ids = {};
  std::vector<int64_t> vote_nodeids = {};
  std::vector<int64_t> vote_treeids = {};
  std::vector<float> vote_weights = {};
  std::optional<Tensor> vote_weights_as_tensor = {};
};

template <typename M>
constexpr Field<NodeAttrs, M> node_field(std::string_view name, M NodeAttrs::*member) {
  return {name, member, {}};
}

constexpr auto node_fields() {
  using A = NodeAttrs;
  return std::tuple{
      node_field("base_values", &A::base_values),
      node_field("base_values_as_tensor", &A::base_values_as_tensor),
      node_field("nodes_falsenodeids", &A::nodes_falsenodeids),
      node_field("nodes_featureids", &A::nodes_featureids),
      node_field("nodes_hitrates", &A::nodes_hitrates),
      node_field("nodes_hitrates_as_tensor", &A::nodes_hitrates_as_tensor),
      node_field("nodes_missing_value_tracks_true", &A::nodes_missing_value_tracks_true),
      node_field("nodes_modes", &A::nodes_modes),
      node_field("nodes_nodeids", &A::nodes_nodeids),
      node_field("nodes_treeids", &A::nodes_treeids),
      node_field("nodes_truenodeids", &A::nodes_truenodeids),
      node_field("nodes_values", &A::nodes_values),
      node_field("nodes_values_as_tensor", &A::nodes_values_as_tensor),
      node_field("post_transform", &A::post_transform)};
}

struct RegressorAttrs : NodeAttrs {
  std::string aggregate_function = "SUM";
  int64_t n_targets = 1;
  static constexpr auto fields() {
    using A = NodeAttrs;
    return std::tuple_cat(
        node_fields(),
        std::tuple{field("aggregate_function", &RegressorAttrs::aggregate_function),
                   field("n_targets", &RegressorAttrs::n_targets),
                   node_field("target_ids", &A::vote_ids),
                   node_field("target_nodeids", &A::vote_nodeids),
                   node_field("target_treeids", &A::vote_treeids),
                   node_field("target_weights", &A::vote_weights),
                   node_field("target_weights_as_tensor", &A::vote_weights_as_tensor)});
  }
};

struct ClassifierAttrs : NodeAttrs {
  std::vector<int64_t> classlabels_int64s = {};
  std::vector<std::string> classlabels_strings = {};
  static constexpr auto fields() {
    using A = NodeAttrs;
    return std::tuple_cat(
        node_fields(),
        std::tuple{field("classlabels_int64s", &ClassifierAttrs::classlabels_int64s),
                   field("classlabels_strings", &ClassifierAttrs::classlabels_strings),
                   node_field("class_ids", &A::vote_ids),
                   node_field("class_nodeids", &A::vote_nodeids),
                   node_field("class_treeids", &A::vote_treeids),
                   node_field("class_weights", &A::vote_weights),
                   node_field("class_weights_as_tensor", &A::vote_weights_as_tensor)});
  }
  ml::Labels labels() const { return {classlabels_int64s, classlabels_strings}; }
};

// A list of floats, or the tensor of doubles that stands for it.
Result<std::vector<double>> numbers(const std::vector<float>& floats,
                                    const std::optional<Tensor>& tensor) {
  if (!tensor) return std::vector<double>(floats.begin(), floats.end());
  if (!floats.empty()) return invalid_model("a list is given as floats and as a tensor");
  if (tensor->dtype() != DType::f64) return unsupported("a list as a tensor of another type");
  const auto values = tensor->as<double>();
  return std::vector<double>(values.begin(), values.end());
}

using NodeKey = std::pair<int64_t, int64_t>;  // Tree, node.

Status add_votes(const NodeAttrs& a, const std::map<NodeKey, size_t>& index, size_t targets,
                 ml::Forest& forest) {
  OCTET_ASSIGN(const auto weights, numbers(a.vote_weights, a.vote_weights_as_tensor));
  const size_t votes = a.vote_ids.size();
  if (a.vote_nodeids.size() != votes || a.vote_treeids.size() != votes || weights.size() != votes)
    return invalid_model("the lists of votes differ in length");
  for (size_t i = 0; i < votes; ++i) {
    const auto at = index.find({a.vote_treeids[i], a.vote_nodeids[i]});
    if (at == index.end() || a.vote_ids[i] < 0 || static_cast<size_t>(a.vote_ids[i]) >= targets)
      return invalid_model("a vote is for no node or no target");
    forest.nodes[at->second].votes.push_back({static_cast<size_t>(a.vote_ids[i]), weights[i]});
  }
  return {};
}

Result<ml::Forest> forest_of(const NodeAttrs& a, size_t targets) {
  OCTET_ASSIGN(const auto splits, numbers(a.nodes_values, a.nodes_values_as_tensor));
  const size_t count = a.nodes_nodeids.size();
  const auto& missing = a.nodes_missing_value_tracks_true;
  if (a.nodes_treeids.size() != count || a.nodes_modes.size() != count || splits.size() != count ||
      a.nodes_featureids.size() != count || a.nodes_truenodeids.size() != count ||
      a.nodes_falsenodeids.size() != count || (!missing.empty() && missing.size() != count))
    return invalid_model("the lists of nodes differ in length");
  std::map<NodeKey, size_t> index;
  std::set<int64_t> trees;
  ml::Forest forest;
  for (size_t i = 0; i < count; ++i) {
    if (trees.insert(a.nodes_treeids[i]).second) forest.roots.push_back(i);
    if (!index.emplace(NodeKey{a.nodes_treeids[i], a.nodes_nodeids[i]}, i).second)
      return invalid_model("a node is there twice");
  }
  for (size_t i = 0; i < count; ++i) {
    ml::TreeNode node;
    node.leaf = a.nodes_modes[i] == "LEAF";
    const auto branch = ml::branch_of(a.nodes_modes[i]);
    if (!node.leaf) {
      const auto yes = index.find({a.nodes_treeids[i], a.nodes_truenodeids[i]});
      const auto no = index.find({a.nodes_treeids[i], a.nodes_falsenodeids[i]});
      if (!branch || branch == ml::Branch::member || a.nodes_featureids[i] < 0 ||
          yes == index.end() || no == index.end())
        return invalid_model("node {} makes no sense", i);
      node.branch = *branch;
      node.feature = static_cast<size_t>(a.nodes_featureids[i]);
      node.split = splits[i];
      node.missing_is_true = !missing.empty() && missing[i] != 0;
      node.if_true = yes->second;
      node.if_false = no->second;
    }
    forest.nodes.push_back(std::move(node));
  }
  OCTET_RETURN_IF_ERROR(add_votes(a, index, targets, forest));
  OCTET_RETURN_IF_ERROR(forest.check());
  return forest;
}

std::optional<ml::Aggregate> aggregate_of(const std::string& name) {
  if (name == "AVERAGE") return ml::Aggregate::average;
  if (name == "SUM") return ml::Aggregate::sum;
  if (name == "MIN") return ml::Aggregate::min;
  if (name == "MAX") return ml::Aggregate::max;
  return std::nullopt;
}

Status infer_regressor(InferContext& context) {
  const auto& attrs = context.attrs<RegressorAttrs>();
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  if (attrs.n_targets < 1) return invalid_model("n_targets {}", attrs.n_targets);
  if (!aggregate_of(attrs.aggregate_function))
    return invalid_model("aggregate_function '{}'", attrs.aggregate_function);
  if (attrs.post_transform != "NONE")
    return unsupported("post_transform '{}'", attrs.post_transform);
  context.set_tensor(0, DType::f32, Shape{ml::batch_of(context), Dim(attrs.n_targets)});
  return {};
}

Status infer_classifier(InferContext& context) {
  const auto& attrs = context.attrs<ClassifierAttrs>();
  OCTET_RETURN_IF_ERROR(ml::require_numbers(context));
  const ml::Labels labels = attrs.labels();
  OCTET_RETURN_IF_ERROR(ml::check_labels(labels));
  if (const auto transform = ml::post_transform_of(attrs.post_transform); !transform)
    return transform.error();
  // Votes for one class alone stand for two classes, by rules that differ between implementations.
  const auto& ids = attrs.vote_ids;
  if (labels.size() < 2 ||
      std::adjacent_find(ids.begin(), ids.end(), std::not_equal_to<>()) == ids.end())
    return unsupported("a classifier whose votes are all for one class");
  const Dim batch = ml::batch_of(context);
  context.set_tensor(0, labels.dtype(), Shape{batch});
  context.set_tensor(1, DType::f32, Shape{batch, Dim(static_cast<int64_t>(labels.size()))});
  return {};
}

// What both models compute: votes and base values of each row.
class Votes {
 public:
  static Result<Votes> make(const NodeAttrs& attrs, size_t targets, ml::Aggregate aggregate) {
    Votes votes;
    OCTET_ASSIGN(votes.forest_, forest_of(attrs, targets));
    OCTET_ASSIGN(votes.base_, numbers(attrs.base_values, attrs.base_values_as_tensor));
    if (!votes.base_.empty() && votes.base_.size() != targets)
      return invalid_model("base_values don't fit the targets");
    votes.targets_ = targets;
    votes.aggregate_ = aggregate;
    return votes;
  }
  size_t targets() const { return targets_; }
  /// What a row takes, for StopPoll.
  size_t work() const { return forest_.work(targets_); }
  Status check(const ml::Rows& rows) const {
    if (rows.width >= forest_.features) return {};
    return invalid_data("rows of {} features, not {}", rows.width, forest_.features);
  }
  std::vector<double> of(std::span<const double> row) const {
    auto scores = forest_.vote(row, targets_, aggregate_);
    for (size_t t = 0; t < base_.size(); ++t) scores[t] += base_[t];
    return scores;
  }

 private:
  ml::Forest forest_;
  std::vector<double> base_;
  size_t targets_ = 1;
  ml::Aggregate aggregate_ = ml::Aggregate::sum;
};

class ModelStep final : public Step {
 public:
  ModelStep(Votes votes, std::optional<ml::Labels> labels, ml::PostTransform transform)
      : votes_(std::move(votes)), labels_(std::move(labels)), transform_(transform) {}
  Status run(RunContext& context) const override {
    OCTET_ASSIGN(const ml::Rows rows, ml::rows_of(context.input(0)));
    OCTET_RETURN_IF_ERROR(votes_.check(rows));
    std::vector<double> all;
    std::vector<size_t> best;
    StopPoll poll;
    for (size_t i = 0; i < rows.count; ++i) {
      poll(votes_.work());
      auto scores = votes_.of(rows.row(i));
      best.push_back(
          static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
      ml::apply(transform_, scores);
      all.insert(all.end(), scores.begin(), scores.end());
    }
    if (!labels_) return ml::give_scores(context, 0, all, rows.count, votes_.targets());
    OCTET_RETURN_IF_ERROR(ml::give_labels(context, *labels_, best));
    return ml::give_scores(context, 1, all, rows.count, votes_.targets());
  }
  StepInfo info() const override { return {"tree", "native", Isa::scalar}; }

 private:
  Votes votes_;
  std::optional<ml::Labels> labels_;
  ml::PostTransform transform_;
};

Result<std::unique_ptr<Step>> prepare_regressor(const LowerContext& context) {
  const auto& attrs = context.attrs<RegressorAttrs>();
  OCTET_ASSIGN(auto votes, Votes::make(attrs, static_cast<size_t>(attrs.n_targets),
                                       *aggregate_of(attrs.aggregate_function)));
  return std::unique_ptr<Step>(
      std::make_unique<ModelStep>(std::move(votes), std::nullopt, ml::PostTransform::none));
}

Result<std::unique_ptr<Step>> prepare_classifier(const LowerContext& context) {
  const auto& attrs = context.attrs<ClassifierAttrs>();
  const ml::Labels labels = attrs.labels();
  OCTET_ASSIGN(auto votes, Votes::make(attrs, labels.size(), ml::Aggregate::sum));
  OCTET_ASSIGN(const auto transform, ml::post_transform_of(attrs.post_transform));
  return std::unique_ptr<Step>(std::make_unique<ModelStep>(std::move(votes), labels, transform));
}

constexpr Implementation kRegressorRows[] = {
    {.name = "tree", .match = match_stored, .prepare = prepare_regressor}};
constexpr Implementation kClassifierRows[] = {
    {.name = "tree", .match = match_stored, .prepare = prepare_classifier}};

}  // namespace

extern const OpDef TreeEnsembleClassifier;
extern const OpDef TreeEnsembleRegressor;
const OpDef TreeEnsembleClassifier = {.domain = ml::kDomain,
                                      .name = "TreeEnsembleClassifier",
                                      .inputs = {1, 1},
                                      .outputs = {2, 2},
                                      .attrs = attr_codec<ClassifierAttrs>(),
                                      .infer = infer_classifier,
                                      .implementations = kClassifierRows};
const OpDef TreeEnsembleRegressor = {.domain = ml::kDomain,
                                     .name = "TreeEnsembleRegressor",
                                     .inputs = {1, 1},
                                     .attrs = attr_codec<RegressorAttrs>(),
                                     .infer = infer_regressor,
                                     .implementations = kRegressorRows};

}  // namespace octet::ops::ml_tree_models
