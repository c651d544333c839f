#include "cli/parts.h"

#include <algorithm>
#include <vector>

#include "engine/ops/op.h"

namespace octet::cli {
namespace {

struct Reader {
  std::vector<std::string> scopes;  // Of the node's name, without the node itself.
  std::string op;
  size_t bytes = 0;
};

std::vector<std::string> scopes_of(const std::string& name) {
  std::vector<std::string> scopes;
  size_t begin = 0;
  for (size_t end = name.find('/'); end != std::string::npos; end = name.find('/', begin)) {
    if (end > begin) scopes.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return scopes;
}

// What reads the weights for its own work, past nodes that only bring them into another form.
const Node& worker(const Graph& graph, NodeId id) {
  constexpr std::string_view kForms[] = {"DequantizeLinear", "Cast", "Transpose", "Reshape",
                                         "Identity"};
  const Node& node = graph.node(id);
  if (std::find(std::begin(kForms), std::end(kForms), node.op->name) == std::end(kForms))
    return node;
  const auto& uses = graph.value(node.outputs[0]).uses;
  return uses.empty() ? node : worker(graph, uses.front().node);
}

void collect(const Graph& graph, std::vector<Reader>& readers) {
  for (ValueId id = 0; id < graph.value_capacity(); ++id) {
    if (!graph.alive_value(id)) continue;
    const Value& value = graph.value(id);
    if (!value.constant || value.uses.empty()) continue;
    const Node& node = worker(graph, value.uses.front().node);
    readers.push_back(
        {scopes_of(node.name), std::string(node.op->name), value.constant->bytes().size()});
  }
  for (const NodeId id : graph.order())
    for (const auto& body : graph.node(id).bodies) collect(*body, readers);
}

// How many outer scopes all have in common; each keeps one more.
size_t common_scopes(const std::vector<Reader>& readers) {
  const std::vector<std::string>* first = nullptr;
  size_t common = 0;
  for (const Reader& reader : readers) {
    if (reader.scopes.empty()) continue;
    if (first == nullptr) {
      first = &reader.scopes;
      common = first->size() - 1;
    }
    common = std::min(common, reader.scopes.size() - 1);
    const auto differ =
        std::mismatch(first->begin(), first->begin() + static_cast<std::ptrdiff_t>(common),
                      reader.scopes.begin());
    common = static_cast<size_t>(differ.first - first->begin());
  }
  return common;
}

// "layer.12" -> "layer".
std::string without_number(const std::string& scope) {
  const size_t dot = scope.find_last_not_of("0123456789");
  const bool numbered = dot != std::string::npos && dot > 0 && dot + 1 < scope.size();
  return numbered && scope[dot] == '.' ? scope.substr(0, dot) : scope;
}

}  // namespace

std::map<std::string, size_t> bytes_by_part(const Graph& graph) {
  std::vector<Reader> readers;
  collect(graph, readers);
  const size_t common = common_scopes(readers);
  std::map<std::string, size_t> parts;
  for (const Reader& reader : readers)
    parts[reader.scopes.empty() ? reader.op : without_number(reader.scopes[common])] +=
        reader.bytes;
  return parts;
}

}  // namespace octet::cli
