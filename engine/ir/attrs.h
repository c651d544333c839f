#pragma once

#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <variant>
#include <vector>

#include "engine/ir/type.h"

namespace octet {

/// An attribute as a file spells it. Subgraph attributes become Node::bodies instead.
using AttrValue = std::variant<int64_t, float, std::string, std::vector<int64_t>,
                               std::vector<float>, std::vector<std::string>, Tensor, Type>;
using AttrMap = std::map<std::string, AttrValue, std::less<>>;

/// The attributes of a node as the operator's own struct, immutable and shared between copies.
class Attrs {
 public:
  Attrs() = default;
  template <typename T>
  static Attrs of(T value) {
    Attrs attrs;
    attrs.type_ = &typeid(T);
    attrs.value_ = std::make_shared<T>(std::move(value));
    return attrs;
  }
  bool empty() const { return value_ == nullptr; }
  template <typename T>
  bool is() const {
    return type_ != nullptr && *type_ == typeid(T);
  }
  /// Requires is<T>().
  template <typename T>
  const T& as() const {
    assert(is<T>());
    return *static_cast<const T*>(value_.get());
  }

 private:
  // Equal in modules, too, which have addresses of their own.
  const std::type_info* type_ = nullptr;
  std::shared_ptr<const void> value_;
};

}  // namespace octet
