#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/ir/graph.h"
#include "octet_onnx.pb.h"

namespace octet::onnx {

/// An initializer of the main graph; its bytes stay where they are until they are written.
struct Initializer {
  std::string name;
  Tensor tensor;
};

/// Spells a model's graphs as protos, but for the initializers of the main graph: those are listed.
/// Constants of subgraphs that aren't small are listed there as well, each once.
class GraphWriter {
 public:
  GraphWriter(int opset, bool short_names) : opset_(opset), short_names_(short_names) {}
  Status main_graph(const Graph& graph, octet_onnx::GraphProto& proto);
  std::vector<Initializer> take_initializers() { return std::move(initializers_); }
  /// Domains of the operators that were written.
  const std::set<std::string>& domains() const { return domains_; }

 private:
  /// A graph on its way into a proto. `names` are those that readers of a value use.
  struct Target {
    const Graph& graph;
    octet_onnx::GraphProto& proto;
    bool main = false;
    std::unordered_map<ValueId, std::string> names{};
    std::unordered_set<ValueId> foreign{};  ///< Values whose names belong to an outer graph.
  };

  // graph_writer.cpp: a graph's values.
  Status inputs(Target& target, size_t count);
  Status constants(Target& target);
  /// Lists or writes an initializer; the name under which it can be read, which is another's where
  /// a subgraph has the same bytes as one that is listed already.
  std::string initializer(Target& target, const std::string& name, const Tensor& tensor);
  Status outputs(Target& target);
  octet_onnx::NodeProto& add_node(Target& target, const std::string& op, const std::string& name);
  std::string unique(const std::string& base);
  /// A name for what callers needn't find: from `base`, or the next number.
  std::string inner(const std::string& base);
  /// A scale or zero point under a name that is its own, or an equal scalar's.
  std::string parameter(Target& target, const std::string& base, const Tensor& tensor);

  // node_writer.cpp
  Status node(Target& target, const Node& node);
  Status operator_node(Target& target, const Node& node, const std::vector<std::string>& outputs);
  Status body(Target& outer, const Node& node, size_t index, octet_onnx::GraphProto& proto);
  /// QuantizeLinear and DequantizeLinear of `value`'s storage, from one name to another.
  Status quantize(Target& target, const Value& value, const std::string& from,
                  const std::string& to);
  Status dequantize(Target& target, const QuantType& quant, const std::string& codes,
                    const std::string& to);
  void add_quant_attributes(octet_onnx::NodeProto& node, const QuantType& quant) const;

  int opset_;
  bool short_names_;
  size_t numbered_ = 0;
  std::unordered_set<std::string> taken_;
  std::unordered_set<std::string> node_names_;
  std::set<std::string> domains_;
  std::vector<Initializer> initializers_;
  std::map<std::pair<DType, std::vector<std::byte>>, std::string> scalars_;  ///< Parameters.
  std::unordered_multimap<const std::byte*, size_t> by_bytes_;  ///< Indices of initializers_.
};

}  // namespace octet::onnx
