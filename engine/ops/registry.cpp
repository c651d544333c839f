#include <algorithm>
#include <mutex>
#include <vector>

#include "engine/ops/op.h"

namespace octet {

#define OCTET_OP(file, name) \
  namespace ops::file {      \
  extern const OpDef name;   \
  }
#include "engine/ops/ops.def"
#undef OCTET_OP

namespace {

bool before(const OpDef* a, const OpDef* b) {
  return a->domain != b->domain ? a->domain < b->domain : a->name < b->name;
}

const std::vector<const OpDef*>& table() {
  static const std::vector<const OpDef*> rows = [] {
    std::vector<const OpDef*> all = {
#define OCTET_OP(file, name) &ops::file::name,
#include "engine/ops/ops.def"
#undef OCTET_OP
    };
    std::sort(all.begin(), all.end(), before);
    return all;
  }();
  return rows;
}

// Operators of the caller's.
struct Registered {
  std::mutex mutex;
  std::vector<const OpDef*> rows;
};
Registered& registered() {
  static Registered one;
  return one;
}

const OpDef* find_in(const std::vector<const OpDef*>& rows, const OpDef& key) {
  const auto at = std::lower_bound(rows.begin(), rows.end(), &key, before);
  return at != rows.end() && !before(&key, *at) ? *at : nullptr;
}

}  // namespace

bool register_op(const OpDef& op) {
  auto& [mutex, rows] = registered();
  const std::lock_guard lock(mutex);
  if (find_in(table(), op) != nullptr || find_in(rows, op) != nullptr) return false;
  rows.insert(std::upper_bound(rows.begin(), rows.end(), &op, before), &op);
  return true;
}

const OpDef* find_op(std::string_view domain, std::string_view name) {
  OpDef key{};
  key.domain = domain == "ai.onnx" ? std::string_view() : domain;
  key.name = name;
  if (const OpDef* op = find_in(table(), key)) return op;
  auto& [mutex, rows] = registered();
  const std::lock_guard lock(mutex);
  return find_in(rows, key);
}

std::span<const OpDef* const> all_ops() { return table(); }

const OpDef& require_op(std::string_view domain, std::string_view name) {
  const OpDef* op = find_op(domain, name);
  assert(op != nullptr);
  return *op;
}

std::string_view op_name_of(const Node& node) { return node.op->name; }

void CanonicalContext::set_constant_input(size_t i, const Tensor& tensor,
                                          std::string_view suffix) const {
  const std::string base = node().name.empty() ? std::string(node().op->name) : node().name;
  const ValueId value =
      graph.add_constant(graph.unique_name(base + "/" + std::string(suffix)), tensor);
  while (node().inputs.size() <= i) graph.append_input(id, kNoValue);
  graph.set_input(id, i, value);
}

}  // namespace octet
