#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "engine/ir/graph.h"
#include "engine/ops/fields.h"
#include "engine/ops/infer.h"
#include "engine/ops/quant_rule.h"
#include "engine/ops/step.h"

namespace octet {

/// How many inputs or outputs an operator takes; `max` of -1: any number (variadic).
struct Arity {
  int min = 1;
  int max = 1;
};

/// What `canonical` may do: look at one node and rewrite it into the newest form.
struct CanonicalContext {
  Graph& graph;
  NodeId id;
  int opset;  ///< The version that the file imports.

  Node& node() const { return graph.node(id); }
  template <typename A>
  const A& attrs() const {
    return graph.node(id).attrs.as<A>();
  }
  /// Adds a constant and makes it input `i` (absent inputs before it are filled in as absent).
  void set_constant_input(size_t i, const Tensor& tensor, std::string_view suffix) const;
};

/// What an operator's output shares with an input.
struct AliasRule {
  enum class Kind : uint8_t {
    none,
    view,      ///< Output 0 is input 0's bytes under other dims (Reshape, Identity).
    in_place,  ///< Output 0 may overwrite input 0 when nobody else reads it and the sizes agree.
  };
  Kind kind = Kind::none;
};

/// One row of the operator table: what an operator means and how it can be run.
struct OpDef {
  std::string_view domain;  ///< "" is ai.onnx; "octet" is ours (fused forms, never written).
  std::string_view name;
  int since = 1;     ///< The lowest opset that import accepts.
  int until = 9999;  ///< The highest.
  Arity inputs{};
  Arity outputs{};
  AttrCodec attrs = attr_codec<NoAttrs>();
  std::span<const std::string_view> bodies{};  ///< Names of graph attributes.
  /// Rewrites an old opset's form to the newest one, once, at import. Null: nothing to do.
  Status (*canonical)(const CanonicalContext&) = nullptr;
  /// Types of outputs from those of inputs; run at import and again for every binding of dims.
  Status (*infer)(InferContext&) = nullptr;
  AliasRule alias{};
  /// What each port may be quantized to. Null: the operator stays in float.
  QuantSpec (*quant)(const Graph&, const Node&) = nullptr;
  /// Multiply-accumulates of one run, from inferred shapes; nothing when a rank is unknown. Null:
  /// the operator does no such arithmetic worth counting.
  std::optional<Dim> (*macs)(const Graph&, const Node&) = nullptr;
  /// Rewrites the node into other nodes of the table (functions without a kernel). The new nodes
  /// take over the node's outputs. Called for every node of an operator without implementations.
  Status (*expand)(Graph&, NodeId) = nullptr;
  /// Ordered best first; the last one takes every type that the operator supports.
  std::span<const Implementation> implementations{};
  bool foldable = true;  ///< False: random, or reads state; never evaluated ahead of a run.
};

/// Adds an operator of the caller's, which must live as long as the process; false when there is
/// one of its domain and name. From any thread.
bool register_op(const OpDef& op);

/// The row for a domain and name, registered ones included; null when there is none.
const OpDef* find_op(std::string_view domain, std::string_view name);
/// Every row of the table, sorted by domain and name.
std::span<const OpDef* const> all_ops();

/// The op's row, which must exist: for passes that build nodes.
const OpDef& require_op(std::string_view domain, std::string_view name);

inline constexpr std::string_view kOctetDomain = "octet";
/// Files are written at this opset, or the model's own when that is newer.
inline constexpr int kWrittenOpset = 21;
inline constexpr int kMinOpset = 6;
inline constexpr int kMaxOpset = 28;

}  // namespace octet
