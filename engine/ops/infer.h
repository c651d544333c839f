#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "engine/ir/graph.h"

namespace octet {

/// What an operator's `infer` sees: input types, and the elements of small integer inputs as far as
/// they are known. The same function serves import (symbolic dims) and binding (known dims), so it
/// must be cheap and must not depend on dims being symbols.
class InferContext {
 public:
  virtual ~InferContext() = default;

  const Node& node() const { return node_; }
  template <typename A>
  const A& attrs() const {
    return node_.attrs.as<A>();
  }
  size_t input_count() const { return node_.inputs.size(); }
  size_t output_count() const { return node_.outputs.size(); }
  bool has_input(size_t i) const { return node_.has_input(i); }
  bool has_output(size_t i) const { return node_.has_output(i); }

  virtual const Type& input(size_t i) const = 0;
  /// The constant of input i, or null when it isn't one.
  virtual const Tensor* constant(size_t i) const = 0;
  /// Elements of an integer (or bool) input in row-major order; null when nothing is known of them.
  /// Constants of at most 1,024 integers are always known.
  virtual const std::vector<Dim>* elements(size_t i) const = 0;
  virtual void set_output(size_t i, Type type) = 0;
  virtual void set_elements(size_t i, std::vector<Dim> elements) = 0;
  /// Output types of body `index` for these input types (formal inputs; captures are added).
  virtual Result<std::vector<Type>> infer_body(size_t index, std::vector<Type> inputs) = 0;

  // Shorthands.
  DType dtype(size_t i) const { return input(i).dtype; }
  bool has_rank(size_t i) const { return input(i).shape.has_value(); }
  /// Requires has_rank(i).
  const Shape& shape(size_t i) const { return *input(i).shape; }
  void set_tensor(size_t i, DType type);
  void set_tensor(size_t i, DType type, Shape&& s);
  void set_tensor(size_t i, DType type, std::optional<Shape> s);
  /// Output i has input j's dtype and shape.
  void set_like(size_t i, size_t j) {
    if (has_output(i)) set_output(i, input(j));
  }
  /// Known elements of input i as integers; nothing when any is symbolic or unknown.
  std::optional<std::vector<int64_t>> known_elements(size_t i) const;
  /// `axis` as an index into a rank, or an error that names the axis.
  Result<size_t> axis(int64_t axis, size_t rank) const;
  /// Fails unless input i is of one of `allowed`: "input 0 is int64, which X doesn't take".
  Status require(size_t i, std::initializer_list<DType> allowed) const;
  /// Fails unless inputs i and j agree in dtype.
  Status require_same_dtype(size_t i, size_t j) const;

 protected:
  explicit InferContext(const Node& node) : node_(node) {}
  const Node& node_;
};

/// Output 0 has input 0's type: element-wise operators of one input.
Status infer_same(InferContext& context);
/// Output 0 has input 0's dtype and the broadcast shape of all inputs.
Status infer_broadcast(InferContext& context);
/// As infer_broadcast, with bool outputs: comparisons.
Status infer_broadcast_bool(InferContext& context);

/// Runs inference over a whole graph whose inputs are typed: fills every Value's type and elements.
/// Fails with the node's label and the reason.
Status infer_graph(Graph& graph);
/// The same for one node.
Status infer_node(Graph& graph, NodeId id);
/// Infers the outputs of the context's node, whose operator has `infer`, once its inputs are found
/// to be those of its signature (common/signature.h). Every inference goes this way.
Status infer_outputs(InferContext& context);

}  // namespace octet
