#include <cstring>

#include "engine/ops/op.h"
#include "engine/quant/observations.h"

namespace octet::quant {
namespace {

// FNV-1a over eight bytes at a time, with a final shift so that high bits reach low ones.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    word(bytes.size());
    size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
      uint64_t v = 0;
      std::memcpy(&v, bytes.data() + i, 8);
      word(v);
    }
    uint64_t rest = 0;
    if (i < bytes.size()) std::memcpy(&rest, bytes.data() + i, bytes.size() - i);
    word(rest);
  }
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  void word(uint64_t v) {
    state_ = (state_ ^ v) * 0x100000001b3ULL;
    state_ ^= state_ >> 29;
  }
  std::string text() const {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string digits;
    for (int shift = 60; shift >= 0; shift -= 4) digits += kDigits[state_ >> shift & 15];
    return digits;
  }

 private:
  uint64_t state_ = 0xcbf29ce484222325ULL;
};

void add_constant(Hash& hash, const Tensor& tensor) {
  hash.word(static_cast<uint64_t>(tensor.dtype()));
  for (const int64_t dim : tensor.dims()) hash.word(static_cast<uint64_t>(dim));
  hash.add(tensor.bytes());
}

void add_graph(Hash& hash, const Graph& graph) {
  const auto name = [&](ValueId id) {
    hash.add(id == kNoValue ? std::string_view() : std::string_view(graph.value(id).name));
  };
  for (const ValueId id : graph.inputs) name(id);
  for (const NodeId id : graph.order()) {
    const Node& node = graph.node(id);
    hash.add(node.op->domain);
    hash.add(node.op->name);
    for (const ValueId input : node.inputs) {
      name(input);
      if (const Tensor* constant = graph.constant(input)) add_constant(hash, *constant);
    }
    for (const ValueId output : node.outputs) name(output);
    for (const auto& body : node.bodies) add_graph(hash, *body);
  }
  for (const ValueId id : graph.outputs()) name(id);
}

}  // namespace

std::string fingerprint(const Graph& graph) {
  Hash hash;
  add_graph(hash, graph);
  return hash.text();
}

}  // namespace octet::quant
