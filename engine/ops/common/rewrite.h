#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/ops/op.h"

namespace octet::ops {

/// Adds nodes of the newest form around one node: for `canonical` and `expand`.
class Rewriter {
 public:
  Rewriter(Graph& graph, NodeId id);

  /// A node with one new output in front of the node; gives the output.
  Result<ValueId> before(std::string_view op, std::vector<ValueId> inputs, const AttrMap& attrs,
                         const std::string& output, std::string_view domain = "");
  /// A node behind the node that makes the value `output`, which must have no producer.
  Status after(std::string_view op, std::vector<ValueId> inputs, const AttrMap& attrs,
               ValueId output);
  /// A new constant.
  ValueId constant(const Tensor& tensor, const std::string& name);
  /// The last step of `expand`: `value` takes the place of the node's first output and its name,
  /// and the node goes.
  void finish(ValueId value);
  /// The name of the node's first output, for names of what is added.
  const std::string& base() const { return base_; }

 private:
  Graph& graph_;
  NodeId id_;
  NodeId next_ = kNoNode;
  std::string base_;
};

/// Softmax and its like below opset 13: the axes from `axis` on are one row. The node gets
/// `last_axis` as its attributes and, unless `axis` is the last one already, becomes
/// Reshape(op(Flatten(x)), Shape(x)).
Status flatten_from_axis(const CanonicalContext& context, int64_t axis, Attrs last_axis);

}  // namespace octet::ops
