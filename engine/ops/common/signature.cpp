#include "engine/ops/common/signature.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "engine/ops/common/elements.h"
#include "engine/ops/op.h"

namespace octet {
namespace {

struct Row {
  std::string_view domain;
  std::string_view name;
  std::string_view types;
};
constexpr Row kRows[] = {
#define OCTET_SIGNATURE(domain, name, types) {domain, name, types},
#include "engine/ops/signatures.def"
#undef OCTET_SIGNATURE
};

using Mask = uint32_t;
constexpr Mask bit(DType dtype) { return Mask{1} << static_cast<unsigned>(dtype); }

constexpr Mask kReal = bit(DType::f16) | bit(DType::bf16) | bit(DType::f32) | bit(DType::f64);
constexpr Mask kInteger = bit(DType::u8) | bit(DType::s8) | bit(DType::u16) | bit(DType::s16) |
                          bit(DType::u32) | bit(DType::s32) | bit(DType::u64) | bit(DType::s64);
constexpr Mask kFloat8 =
    bit(DType::f8e4m3fn) | bit(DType::f8e4m3fnuz) | bit(DType::f8e5m2) | bit(DType::f8e5m2fnuz);

struct Port {
  std::optional<Type::Kind> kind;  ///< Unset: anything.
  Mask dtypes = ~Mask{0};          ///< Of a tensor.
  std::string same;                ///< Ports of one name agree.
  bool required = true;
  int64_t least = 0;  ///< Elements.
  int64_t most = std::numeric_limits<int64_t>::max();
  size_t least_rank = 0;
  size_t most_rank = std::numeric_limits<size_t>::max();
};

struct Signature {
  std::vector<Port> ports;
  bool variadic = false;  ///< The last port is that of all that follow.
};

Mask mask_of(const std::string& name) {
  if (name == "any") return ~Mask{0};
  if (name == "real") return kReal;
  if (name == "integer") return kInteger;
  if (name == "number") return kReal | kInteger;
  if (name == "float8") return kFloat8;
  for (int i = 0; i < kDTypeCount; ++i)
    if (dtype_name(static_cast<DType>(i)) == name) return bit(static_cast<DType>(i));
  return 0;
}

bool take_suffix(std::string& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.resize(text.size() - suffix.size());
  return true;
}

// "@2": rank 2; "@1+": rank 1 or more.
void take_rank(std::string& text, Port& port) {
  const size_t at = text.find('@');
  if (at == std::string::npos) return;
  const bool open = take_suffix(text, "+");
  port.least_rank = std::stoul(text.substr(at + 1));
  if (!open) port.most_rank = port.least_rank;
  text.resize(at);
}

Port port_of(std::string text) {
  Port port;
  port.required = !take_suffix(text, "?");
  take_rank(text, port);
  if (take_suffix(text, "[1]")) port.least = port.most = 1;
  if (take_suffix(text, "[n]")) port.most = kMaxInferredElements;
  if (const size_t colon = text.find(':'); colon != std::string::npos) {
    port.same = text.substr(0, colon);
    text.erase(0, colon + 1);
  }
  if (text == "*") return port;
  port.kind = text == "seq"        ? Type::Kind::sequence
              : text == "map"      ? Type::Kind::map
              : text == "optional" ? Type::Kind::optional
                                   : Type::Kind::tensor;
  if (port.kind != Type::Kind::tensor) return port;
  port.dtypes = 0;
  std::istringstream names(text);
  for (std::string name; std::getline(names, name, '|');) port.dtypes |= mask_of(name);
  return port;
}

Signature parse(std::string_view types) {
  Signature signature;
  std::istringstream words{std::string(types)};
  for (std::string word; words >> word;) {
    signature.variadic = take_suffix(word, "...");
    signature.ports.push_back(port_of(word));
  }
  return signature;
}

const Signature* find(const OpDef* op) {
  static const auto table = [] {
    std::map<const OpDef*, Signature> signatures;
    for (const Row& row : kRows)
      if (const OpDef* known = find_op(row.domain, row.name))
        signatures.emplace(known, parse(row.types));
    return signatures;
  }();
  const auto at = table.find(op);
  return at == table.end() ? nullptr : &at->second;
}

std::string input_name(size_t i) { return "its input " + std::to_string(i); }

Status check_port(const Port& port, const Type& type, size_t i) {
  const bool known = type.kind != Type::Kind::tensor || type.dtype != DType::undefined;
  if (!port.kind || !known) return {};
  if (*port.kind != type.kind ||
      (type.kind == Type::Kind::tensor && (bit(type.dtype) & port.dtypes) == 0))
    return invalid_model("{} is {}, which the operator doesn't take there", input_name(i),
                         type.to_string());
  if (!type.shape) return {};
  if (type.shape->size() < port.least_rank || type.shape->size() > port.most_rank)
    return invalid_model("{} has rank {}", input_name(i), type.shape->size());
  if (port.least == 0 && port.most == Port().most) return {};
  const auto count = element_count(*type.shape).maybe();
  if (count && (*count < port.least || *count > port.most))
    return invalid_model("{} has {} elements", input_name(i), *count);
  return {};
}

}  // namespace

Status check_signature(const InferContext& context) {
  const Node& node = context.node();
  const Signature* signature = find(node.op);
  if (signature == nullptr) return {};
  const auto& ports = signature->ports;
  const size_t given = node.inputs.size() - node.captures;
  // A variadic port may have no input at all, but none of its inputs may be left out.
  const size_t named = signature->variadic ? ports.size() - 1 : ports.size();
  const size_t count = signature->variadic ? std::max(given, named) : named;
  const auto port_at = [&](size_t i) -> const Port& {
    return ports[std::min(i, ports.size() - 1)];
  };
  const auto is_typed = [&](size_t i) {
    const Type& type = context.input(i);
    return type.kind == Type::Kind::tensor && type.dtype != DType::undefined;
  };
  for (size_t i = 0; i < count; ++i) {
    const Port& port = port_at(i);
    if (!node.has_input(i)) {
      if (port.required) return invalid_model("{} is missing", input_name(i));
      continue;
    }
    const Type& type = context.input(i);
    OCTET_RETURN_IF_ERROR(check_port(port, type, i));
    if (port.same.empty() || !is_typed(i)) continue;
    for (size_t j = 0; j < i; ++j) {
      if (port_at(j).same != port.same || !node.has_input(j) || !is_typed(j)) continue;
      if (const DType other = context.input(j).dtype; other != type.dtype)
        return invalid_model("{} is {} where others are {}", input_name(i), dtype_name(type.dtype),
                             dtype_name(other));
      break;
    }
  }
  return {};
}

bool reads_extents(const OpDef& op, size_t i) {
  const Signature* signature = find(&op);
  return signature != nullptr && i < signature->ports.size() &&
         signature->ports[i].most == kMaxInferredElements;
}

bool requires_input(const OpDef& op, size_t i) {
  const Signature* signature = find(&op);
  return signature != nullptr && i < signature->ports.size() && signature->ports[i].required;
}

std::optional<size_t> most_inputs(const OpDef& op) {
  const Signature* signature = find(&op);
  if (signature == nullptr || signature->variadic) return std::nullopt;
  return signature->ports.size();
}

}  // namespace octet
