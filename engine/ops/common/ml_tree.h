#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/ir/result.h"

namespace octet::ml {

/// The comparison of an inner node, in the order in which TreeEnsemble numbers them.
enum class Branch : uint8_t { leq, lt, gte, gt, eq, neq, member };
std::optional<Branch> branch_of(std::string_view name);

/// What a leaf adds to one target.
struct Vote {
  size_t target = 0;
  double weight = 0.0;
};

/// An inner node compares one feature; a leaf holds votes.
struct TreeNode {
  bool leaf = false;
  Branch branch = Branch::leq;
  size_t feature = 0;
  double split = 0.0;
  bool missing_is_true = false;
  size_t if_true = 0;
  size_t if_false = 0;
  std::vector<double> members = {};
  std::vector<Vote> votes = {};
};

enum class Aggregate : uint8_t { average, sum, min, max };

/// Trees over one list of nodes.
struct Forest {
  std::vector<TreeNode> nodes;
  std::vector<size_t> roots;
  size_t features = 0;  ///< One past the largest that is compared.

  /// Fails unless every branch leads on to a node of the list and no path comes back to its start.
  Status check();
  /// The leaf where `row`, of at least `features` entries, ends.
  const TreeNode& leaf(size_t root, std::span<const double> row) const;
  /// What `vote` does, for StopPoll.
  size_t work(size_t targets) const { return 16 * roots.size() + targets; }
  /// Votes of all trees by target; targets without one are 0.
  std::vector<double> vote(std::span<const double> row, size_t targets, Aggregate aggregate) const;
};

}  // namespace octet::ml
