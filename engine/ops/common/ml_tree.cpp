#include "engine/ops/common/ml_tree.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace octet::ml {

std::optional<Branch> branch_of(std::string_view name) {
  constexpr std::string_view kNames[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",   "BRANCH_GT",
                                         "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER"};
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<Branch>(i);
  return std::nullopt;
}

Status Forest::check() {
  for (const TreeNode& node : nodes) {
    if (node.leaf) continue;
    if (node.if_true >= nodes.size() || node.if_false >= nodes.size())
      return invalid_model("a branch leads to no node");
    features = std::max(features, node.feature + 1);
  }
  for (const size_t root : roots)
    if (root >= nodes.size()) return invalid_model("a tree has no root");
  // A node is closed when everything below it is known to end.
  enum class State : uint8_t { unseen, open, closed };
  std::vector<State> states(nodes.size(), State::unseen);
  for (const size_t root : roots) {
    std::vector<size_t> stack = {root};
    while (!stack.empty()) {
      const size_t at = stack.back();
      if (nodes[at].leaf || states[at] != State::unseen) {
        states[at] = State::closed;
        stack.pop_back();
        continue;
      }
      states[at] = State::open;
      for (const size_t next : {nodes[at].if_true, nodes[at].if_false}) {
        if (states[next] == State::open) return invalid_model("a tree comes back to a node");
        if (states[next] == State::unseen) stack.push_back(next);
      }
    }
  }
  return {};
}

const TreeNode& Forest::leaf(size_t root, std::span<const double> row) const {
  const TreeNode* node = &nodes[root];
  while (!node->leaf) {
    const double x = row[node->feature];
    bool taken = node->missing_is_true;
    if (!std::isnan(x)) {
      switch (node->branch) {
        case Branch::leq: taken = x <= node->split; break;
        case Branch::lt: taken = x < node->split; break;
        case Branch::gte: taken = x >= node->split; break;
        case Branch::gt: taken = x > node->split; break;
        case Branch::eq: taken = x == node->split; break;
        case Branch::neq: taken = x != node->split; break;
        case Branch::member:
          taken = std::find(node->members.begin(), node->members.end(), x) != node->members.end();
          break;
      }
    }
    node = &nodes[taken ? node->if_true : node->if_false];
  }
  return *node;
}

std::vector<double> Forest::vote(std::span<const double> row, size_t targets,
                                 Aggregate aggregate) const {
  std::vector<double> result(targets, 0.0);
  std::vector<bool> seen(targets, false);
  for (const size_t root : roots) {
    for (const auto& [target, weight] : leaf(root, row).votes) {
      double& value = result[target];
      if (aggregate == Aggregate::min)
        value = seen[target] ? std::min(value, weight) : weight;
      else if (aggregate == Aggregate::max)
        value = seen[target] ? std::max(value, weight) : weight;
      else
        value += weight;
      seen[target] = true;
    }
  }
  if (aggregate == Aggregate::average)
    for (double& value : result) value /= static_cast<double>(roots.size());
  return result;
}

}  // namespace octet::ml
