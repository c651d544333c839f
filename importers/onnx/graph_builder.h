#pragma once

#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/ir/graph.h"
#include "importers/onnx/limits.h"
#include "importers/onnx/normalize.h"
#include "importers/onnx/tensor_reader.h"
#include "octet_onnx.pb.h"

namespace octet::onnx {

using OpsetMap = std::map<std::string, int, std::less<>>;
using Bindings = std::map<std::string, const octet_onnx::AttributeProto*, std::less<>>;
using NodeProtos = google::protobuf::RepeatedPtrField<octet_onnx::NodeProto>;

/// Names that nodes see. A scope with an outer one belongs to a subgraph's own Graph; the scope of
/// an inlined function adds to the caller's Graph but sees none of its names.
struct Scope {
  Graph& graph;
  Scope* outer = nullptr;
  std::unordered_map<std::string, ValueId> names{};
  std::vector<std::pair<ValueId, ValueId>> captured{};  ///< Of the outer graph, of this one.
  std::unordered_map<std::string, ValueId> promised{};  ///< A function's outputs, not made yet.
};

/// What a list of nodes is read under: imported opsets, and within a function the values of its
/// attributes and the prefix of the names that it makes.
struct Frame {
  const OpsetMap& opsets;
  const Bindings* bindings = nullptr;
  std::string prefix{};
};

/// Makes the engine's Graph from a parsed model. One use: build().
class GraphBuilder {
 public:
  GraphBuilder(const octet_onnx::ModelProto& model, TensorReader& tensors,
               const ImportLimits& limits)
      : model_(model), tensors_(tensors), limits_(limits) {}
  Result<Model> build();

 private:
  using FunctionKey = std::tuple<std::string, std::string, std::string>;

  // graph_builder.cpp: a graph's values, names and types.
  Status main_graph(const OpsetMap& opsets);
  Status initializers(const octet_onnx::GraphProto& proto, Scope& scope, const Frame& frame);
  Status declared_types(const octet_onnx::GraphProto& proto, Scope& scope);
  Result<std::vector<ValueId>> outputs(const octet_onnx::GraphProto& proto, Scope& scope);
  Status body(const octet_onnx::GraphProto& proto, Scope& scope, const Frame& frame);
  Status define(Scope& scope, const std::string& name, ValueId id);
  ValueId new_value(Scope& scope, const std::string& prefix, const std::string& name);
  Result<ValueId> resolve(Scope& scope, const std::string& name);

  // node_builder.cpp: nodes, bodies, functions.
  Status nodes(const NodeProtos& protos, Scope& scope, const Frame& frame);
  Status declare(const octet_onnx::NodeProto& proto, Scope& scope, const Frame& frame);
  Status node(const octet_onnx::NodeProto& proto, Scope& scope, const Frame& frame);
  Status operator_node(const octet_onnx::NodeProto& proto, Node& node, Scope& scope,
                       const Frame& frame);
  Status read_attributes(const octet_onnx::NodeProto& proto, Node& node, Scope& scope,
                         const Frame& frame);
  Status read_ports(const octet_onnx::NodeProto& proto, Node& node, Scope& scope);
  Status read_bodies(const octet_onnx::NodeProto& proto, Node& node, Scope& scope,
                     const Frame& frame);
  Result<Tensor> constant_node(const octet_onnx::NodeProto& proto, const Frame& frame);

  // function_inliner.cpp
  Status index_functions();
  const octet_onnx::FunctionProto* find_function(const octet_onnx::NodeProto& proto) const;
  Status inline_function(const octet_onnx::NodeProto& proto,
                         const octet_onnx::FunctionProto& function, Scope& scope,
                         const Frame& frame);
  Result<Bindings> bind_attributes(const octet_onnx::NodeProto& proto,
                                   const octet_onnx::FunctionProto& function,
                                   const Frame& frame) const;
  Status pass_through(Scope& inner, const std::string& from, ValueId to, const Frame& frame);

  const octet_onnx::ModelProto& model_;
  TensorReader& tensors_;
  const ImportLimits& limits_;
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  DeclaredTypes declared_;
  std::unordered_map<const Graph*, std::unordered_set<std::string>> taken_;
  std::map<FunctionKey, const octet_onnx::FunctionProto*> functions_;
  std::vector<const octet_onnx::FunctionProto*> active_;
  uint64_t node_count_ = 0;
  size_t body_depth_ = 0;
};

/// "" for "ai.onnx", which is the same domain.
std::string domain_of(const std::string& domain);
/// The imports of a model or function; a version outside octet's range is refused where it is the
/// standard domain's.
Result<OpsetMap> read_opsets(
    const google::protobuf::RepeatedPtrField<octet_onnx::OperatorSetIdProto>& imports);
/// `proto`, or what it refers to in a function's call; null when the call leaves it out.
const octet_onnx::AttributeProto* bound_attribute(const octet_onnx::AttributeProto& proto,
                                                  const Frame& frame);
/// "com.example.Foo 'name'" for messages; a node without a name goes by its first output.
std::string label_of(const octet_onnx::NodeProto& proto);
std::string name_of(const octet_onnx::NodeProto& proto);

}  // namespace octet::onnx
